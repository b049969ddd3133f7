import { allOf, andThen, type MaybePromise } from '../../../lib/maybe-promise.ts';
import type { RunState } from '../../execution.ts';
import type { Owner } from '../../owner.ts';
import type { Claim, ClaimRequest, LeaseState, LeaseStatus } from '../../queue.ts';
import type { Assistant } from '../../records.ts';
import { checkLength } from '../filter.ts';
import { type Claimant, secondsLeft } from './claim.ts';
import {
  appendEvents,
  type Decision,
  finishAttempt,
  LOST_LEASE,
  releaseRun,
  renewLease,
  saveCheckpoint,
} from './lease.ts';
import type { ClaimRef } from './state.ts';
import type { StoredRun } from './steps.ts';
import {
  checkCheckpoint,
  checkEnd,
  checkEvents,
  refuseClaimRequest,
  refuseHeartbeat,
} from './worker-input.ts';
import type { LeaseTokens } from '../lease-token.ts';
import type { RunQueue } from '../../stores.ts';

/** Decides what a call with a lease does to the stored run. @param now milliseconds since 1970 */
export type Decide<T> = (stored: StoredRun, now: number) => Decision<T>;

/** What a store can prepare for before it decides. */
export interface DecideHints {
  /** Whether the step is likely to change the run's thread, which is then locked first. */
  readonly mayAffectThread: boolean;
  /** How many bytes of events or payloads the step stores at most, roughly. */
  readonly bytes: number;
}

const SMALL_STEP: DecideHints = { mayAffectThread: false, bytes: 0 };

/** A run right after it was claimed. */
export interface ClaimedRun {
  readonly owner: Owner;
  readonly state: RunState;
  readonly assistant: Assistant;
  readonly input: string | null;
  readonly values: string | null;
  readonly checkpoint: string | null;
  /** Milliseconds since 1970, by the clock of the store. */
  readonly now: number;
}

/** The operations of a queue that each kind of store implements. */
export interface QueueStorage {
  readonly tokens: LeaseTokens;
  /** Decides about a run and stores the step, in one transaction. Null where there is no such run. */
  decide<T>(owner: Owner, runId: string, decide: Decide<T>, hints: DecideHints): MaybePromise<T | null>;
  /** Claims waiting runs: round robin over the owners, and of one owner the run that was created first. */
  claim(request: ClaimRequest, claimant: Claimant): MaybePromise<readonly ClaimedRun[]>;
}

/** The queue of a store: it checks the input of workers, and verifies their leases. */
export function createRunQueue({ tokens, decide, claim }: QueueStorage): RunQueue {
  /** Decides about the run that a lease names; `lost` where the lease is not genuine, or the run is gone. */
  function withLease<T>(
    worker: Owner,
    lease: string,
    lost: T,
    decideBy: (stored: StoredRun, ref: ClaimRef, now: number) => Decision<T>,
    hints: Partial<DecideHints> = {},
  ): MaybePromise<T> {
    const ref = tokens.decode(worker, lease);
    if (ref === null) return lost;
    const decided = decide(ref.owner, ref.runId, (stored, now) => decideBy(stored, ref, now), {
      ...SMALL_STEP,
      ...hints,
    });
    return andThen(decided, (result) => result ?? lost);
  }

  return {
    claim(worker, request) {
      const refusals = refuseClaimRequest(request);
      if (refusals.length > 0) return { refusals };
      const claimant = { holder: worker, worker: request.name, leaseSeconds: request.leaseSeconds };
      return andThen(claim(request, claimant), (claimed) => {
        return { value: claimed.map((run) => claimOf(tokens, worker, run)) };
      });
    },
    heartbeat(worker, request) {
      const refusals = refuseHeartbeat(request);
      if (refusals.length > 0) return { refusals };
      const renew = (lease: string) =>
        withLease(worker, lease, LOST_LEASE, (stored, ref, now) => renewLease(stored, ref, request, now));
      const states = allOf(request.leases.map((lease) => stateOf(lease, renew(lease))));
      return andThen(states, (value) => ({ value }));
    },
    appendEvents(worker, request) {
      const { lease, offset } = request;
      const checked = checkEvents(request);
      if ('refusals' in checked) return { lease: null, refusals: checked.refusals };
      const appended = withLease<ReturnType<typeof appendEvents>['result']>(
        worker,
        lease,
        LOST_LEASE,
        (stored, ref, now) => appendEvents(stored, ref, offset, checked.value, now),
        { bytes: checked.value.reduce((sum, { type, data }) => sum + type.length + data.length, 0) },
      );
      return andThen(appended, (result) =>
        andThen(stateOf(lease, result), (state) => ({ lease: state, refusals: result.refusals ?? [] })),
      );
    },
    checkpoint(worker, { lease, values }) {
      const checked = checkCheckpoint(values);
      if ('refusals' in checked) return checked;
      const save = (stored: StoredRun, ref: ClaimRef, now: number) =>
        saveCheckpoint(stored, ref, checked.value, now);
      const saved = withLease(worker, lease, LOST_LEASE, save, { bytes: checked.value.length });
      return andThen(stateOf(lease, saved), (value) => ({ value }));
    },
    finish(worker, request) {
      const checked = checkEnd(request);
      if ('refusals' in checked) return checked;
      const unknown: ReturnType<typeof finishAttempt>['result'] = { accepted: false, status: null };
      const finish = (stored: StoredRun, ref: ClaimRef, now: number) =>
        finishAttempt(stored, ref, checked.value, now);
      const hints = { mayAffectThread: true, bytes: checked.value.output?.length ?? 0 };
      const finished = withLease(worker, request.lease, unknown, finish, hints);
      return andThen(finished, (value) => ({ value }));
    },
    runOf: (worker, lease) => tokens.decode(worker, lease),
    release(worker, leases) {
      checkLength('input.leases', 'leases', leases);
      return allOf(
        leases.map((lease) =>
          stateOf(lease, withLease(worker, lease, LOST_LEASE, releaseRun, { mayAffectThread: true })),
        ),
      );
    },
  };
}

function stateOf(lease: string, status: MaybePromise<LeaseStatus>): MaybePromise<LeaseState> {
  return andThen(status, ({ held, leaseSeconds, cancel, storedEvents }) => {
    return { lease, held, leaseSeconds, cancel, storedEvents };
  });
}

function claimOf(
  tokens: LeaseTokens,
  holder: Owner,
  { owner, state, assistant, input, values, checkpoint, now }: ClaimedRun,
): Claim {
  const { run, execution } = state;
  return {
    lease: tokens.encode({ owner, runId: run.id, claim: execution.claims, holder }),
    leaseSeconds: execution.lease?.seconds ?? 0,
    owner,
    run,
    assistant,
    input,
    values,
    checkpoint,
    secondsLeft: secondsLeft(state, now),
  };
}
