import { andThen, type MaybePromise } from '../lib/maybe-promise.ts';
import { BadUserInput } from '../store/bad-user-input.ts';
import type { Outcome } from '../store/outcome.ts';
import type { Owner } from '../store/owner.ts';
import type { Claim, ClaimRequest, HeartbeatRequest, LeaseState } from '../store/queue.ts';
import type { Run } from '../store/records.ts';
import { MAX_WAIT } from '../store/rules/execution/worker-input.ts';
import { noteClaims, releaseClaims } from './claimed-runs.ts';
import type { RunWatcher } from './run-watchers.ts';
import { waitForClaims } from './waiting-claim.ts';
import type { WaitingRequest } from './waiting-request.ts';

/**
 * Claims runs, and waits for some where there are none.
 * @throws the reason why the request was stopped: runs that were claimed meanwhile are released
 */
export function claimOrWait(
  request: WaitingRequest,
  worker: Owner,
  wanted: ClaimRequest,
): MaybePromise<Outcome<readonly Claim[]>> {
  return andThen(request.stores.queue.claim(worker, wanted), (outcome) => {
    noteClaims(request, worker, outcome);
    if (request.stopped !== null) return failReleased(request, request.stopped);
    const isDone = 'refusals' in outcome || outcome.value.length > 0 || wanted.waitSeconds === 0;
    return isDone ? outcome : waitForClaims(request, worker, wanted);
  });
}

/** Releases the claims of a request that was stopped. @throws the reason why it was stopped */
async function failReleased(request: WaitingRequest, reason: Error): Promise<never> {
  await releaseClaims(request);
  throw reason;
}

/** Renews leases; with `waitSeconds`, answers once one is lost or to be cancelled, or after that time. */
export function heartbeatOrWait(
  request: WaitingRequest,
  worker: Owner,
  wanted: HeartbeatRequest,
): MaybePromise<Outcome<readonly LeaseState[]>> {
  const { waitSeconds } = wanted;
  if (!(waitSeconds > 0 && waitSeconds <= MAX_WAIT)) return request.stores.queue.heartbeat(worker, wanted);
  return waitForLeases(request, worker, wanted);
}

async function waitForLeases(
  request: WaitingRequest,
  worker: Owner,
  wanted: HeartbeatRequest,
): Promise<Outcome<readonly LeaseState[]>> {
  const { stores, changes, waits } = request;
  const wait = waits.begin(worker, wanted.waitSeconds, request);
  const unwatch: (() => void)[] = [];
  const onChange: RunWatcher = ({ events }) => {
    if (events === null) wait.wake();
  };
  try {
    for (const lease of wanted.leases) {
      const ref = await stores.queue.runOf(worker, lease);
      if (ref !== null) unwatch.push(changes.watchRun(ref.owner, ref.runId, onChange));
    }
    for (;;) {
      const waitSeconds = wait.secondsLeft;
      const outcome = await stores.queue.heartbeat(worker, { ...wanted, waitSeconds });
      if ('refusals' in outcome || wait.isOver) return outcome;
      // It waits no longer, so that the other leases need not last until then.
      if (outcome.value.some(isUrgent))
        return await stores.queue.heartbeat(worker, { ...wanted, waitSeconds: 0 });
      await wait.next();
      if (request.stopped !== null) throw request.stopped;
    }
  } finally {
    for (const end of unwatch) end();
    wait.end();
  }
}

function isUrgent({ held, cancel }: LeaseState): boolean {
  return !held || cancel !== null;
}

/**
 * A run once it has ended, or as it is after some seconds; null where there is none.
 * @throws BadUserInput for seconds that are not 0 to 10
 */
export function runOnceEnded(
  request: WaitingRequest,
  owner: Owner,
  id: string,
  seconds: number,
): MaybePromise<Run | null> {
  if (seconds < 0 || seconds > MAX_WAIT) {
    throw new BadUserInput(`\`seconds\` must be a number from 0 to ${MAX_WAIT}.`);
  }
  return andThen(request.stores.runs.get(owner, id), (run) =>
    run === null || run.ended !== null || seconds === 0 ? run : waitForEnd(request, owner, id, seconds),
  );
}

async function waitForEnd(
  request: WaitingRequest,
  owner: Owner,
  id: string,
  seconds: number,
): Promise<Run | null> {
  const { stores, changes, waits } = request;
  const wait = waits.begin(owner, seconds, request);
  const unwatch = changes.watchRun(owner, id, ({ run }) => {
    if (run === null || run.ended !== null) wait.wake();
  });
  try {
    for (;;) {
      const run = await stores.runs.get(owner, id);
      if (run === null || run.ended !== null || wait.isOver) return run;
      await wait.next();
      if (request.stopped !== null) throw request.stopped;
    }
  } finally {
    unwatch();
    wait.end();
  }
}
