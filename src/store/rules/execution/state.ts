import type { RunState } from '../../execution.ts';
import type { Owner } from '../../owner.ts';
import type { Run } from '../../records.ts';
import { isActive } from '../status.ts';

/*
 * The state machine of a run. A run's state follows from four values, of which the lease is in its execution:
 *
 * | state          | status    | worker | availableAt | lease             |
 * | -------------- | --------- | ------ | ----------- | ----------------- |
 * | waiting        | PENDING   | null   | a time      | null              |
 * | held           | RUNNING   | a name | null        | ends later        |
 * | lease lost     | RUNNING   | a name | null        | has ended         |
 * | between        | RUNNING   | null   | a time      | has ended or null |
 * | without worker | RUNNING   | null   | null        | null              |
 * | ended          | final     | null   | null        | null              |
 *
 * "Between" is between two attempts. "Without worker" is a run that `updateRun` has set RUNNING. "Lease lost" lasts until
 * the next sweep, which is every half second.
 *
 * | transition                    | from                      | to                                            | file         |
 * | ----------------------------- | ------------------------- | --------------------------------------------- | ------------ |
 * | createRun                     | none                      | waiting                                       | ../run.ts    |
 * | claimRuns                     | waiting, between          | held: once `availableAt` has come             | claim.ts     |
 * | heartbeat, events, checkpoint | held, lease lost, between | held: the lease is renewed, if it is valid    | lease.ts     |
 * | finishRun                     | held, lease lost, between | ended; between, with `retry`                  | lease.ts     |
 * | releaseRuns                   | held, lease lost, between | between: the attempt does not count           | lease.ts     |
 * | the lease ends                | lease lost                | between; ended with ERROR at the last attempt | deadlines.ts |
 * | `timeoutSeconds` are over     | all but waiting           | ended with TIMEOUT                            | deadlines.ts |
 * | cancelRun                     | held                      | held, with `cancelRequestedAt`                | cancel.ts    |
 * | cancelRun                     | all others                | ended with CANCELLED                          | cancel.ts    |
 * | 15 s after cancelRun          | held                      | ended with CANCELLED                          | deadlines.ts |
 * | updateRun                     | waiting                   | without worker; ended                         | ../run.ts    |
 * | updateRun                     | all others but held       | ended                                         | ../run.ts    |
 *
 * A run whose cancellation was requested never gets another attempt: a retry, a release or a lost lease ends it with
 * CANCELLED. A lease that has ended is still valid until the run is claimed again, given back, moved or ended: a worker
 * that comes back before that keeps its run.
 *
 * Each transition is a pure function from a `StoredRun` to a `RunStep`, which the stores commit in one transaction.
 */

/** Whether a run waits for a worker, or for its `availableAt`: the states "waiting" and "between". */
export function isWaiting({ ended, availableAt }: Run): boolean {
  return ended === null && availableAt !== null;
}

/** Whether a run blocks the others of its thread: the states "held", "lease lost" and "without worker". */
export function isExecuting({ ended, availableAt }: Run): boolean {
  return ended === null && availableAt === null;
}

/** Whether a worker holds a run: its lease has not ended. @param now milliseconds since 1970 */
export function isHeld({ run, execution: { lease } }: RunState, now: number): boolean {
  return run.worker !== null && lease !== null && lease.endsAt > now;
}

/** Whether a worker had a run, and its lease has ended. @param now milliseconds since 1970 */
export function isLeaseLost({ run, execution: { lease } }: RunState, now: number): boolean {
  return run.worker !== null && lease !== null && lease.endsAt <= now;
}

/** The claim that a lease was given for. */
export interface ClaimRef {
  /** The owner that the worker's token names. */
  readonly holder: Owner;
  /** The `claims` of the execution when the lease was given: the fencing token. */
  readonly claim: number;
}

/** Whether the worker of a claim may still write to the run, also after its lease has ended. */
export function isLeaseValid({ run, execution }: RunState, { holder, claim }: ClaimRef): boolean {
  return isActive(run.status) && execution.claims === claim && execution.lease?.holder === holder;
}
