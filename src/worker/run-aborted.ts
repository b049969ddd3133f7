/**
 * Why the signal of a run is aborted:
 * - `CANCELLED`: somebody cancelled the run. What the handler emits and saves is still stored until it returns.
 * - `LOST`: the run is not this worker's any more: it timed out, was deleted, or its lease ended. Nothing is stored.
 * - `RELEASED`: the worker is shutting down, and gives the run back. Another attempt continues from the last `save`.
 */
export type AbortReason = 'CANCELLED' | 'LOST' | 'RELEASED';

const MESSAGES: Readonly<Record<AbortReason, string>> = {
  CANCELLED: 'The run was cancelled.',
  LOST: 'The run is not held by this worker any more.',
  RELEASED: 'The worker is shutting down, and gives the run back.',
};

/** The `reason` of a run's aborted signal. A handler may throw it, or return. */
export class RunAborted extends Error {
  override readonly name = 'RunAborted';
  readonly reason: AbortReason;

  constructor(reason: AbortReason) {
    super(MESSAGES[reason]);
    this.reason = reason;
  }
}
