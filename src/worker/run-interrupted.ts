/** What {@link ClaimedRun.interrupt} throws. The run ends with INTERRUPTED, also when the handler catches it. */
export class RunInterrupted extends Error {
  override readonly name = 'RunInterrupted';
}
