/**
 * Why the signal of a run is aborted:
 * - `CANCELLED`: the run was cancelled. What the handler emits and saves is still stored until it returns.
 * - `LOST`: the worker has lost the lease: the run timed out, was deleted, or the lease ended. Nothing more is stored.
 * - `RELEASED`: the worker is shutting down, and returns the run to the queue. The next attempt continues from the last
 *   `save`.
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
