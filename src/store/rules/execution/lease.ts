import type { RunState, RunStep, SentEvent } from '../../execution.ts';
import type { Refusal } from '../../outcome.ts';
import type { EndResult, LeaseStatus } from '../../queue.ts';
import type { JsonObject, RunError, RunStatus } from '../../records.ts';
import { instant } from '../identity.ts';
import { invalid } from '../text.ts';
import { backoff } from './deadlines.ts';
import { type ClaimRef, isLeaseValid } from './state.ts';
import { endRun, stepOf, type StoredRun, withEvents } from './steps.ts';

/** The most events that workers may append to one run. */
export const MAX_EVENTS = 20_000;
/** The most bytes of events that workers may append to one run. */
const MAX_EVENT_BYTES = 16_777_216;

/** The status of a lease that is not held, or not genuine. */
export const LOST_LEASE: LeaseStatus = { held: false, leaseSeconds: 0, cancel: null, storedEvents: 0 };

/** The result of a call with a lease, and what it stores; no step where it stores nothing. */
export interface Decision<T> {
  readonly result: T;
  readonly step: RunStep | null;
}

/** The status of a lease. @param now milliseconds since 1970 */
function leaseStatus(state: RunState, ref: ClaimRef, now: number): LeaseStatus {
  const { lease, cancelAction, storedEvents } = state.execution;
  if (!isLeaseValid(state, ref) || lease === null) return LOST_LEASE;
  const leaseSeconds = Math.max(0, Math.floor((lease.endsAt - now) / 1_000));
  return { held: true, leaseSeconds, cancel: cancelAction, storedEvents };
}

/**
 * Renews a lease.
 * @param leaseSeconds for this and later calls. Default: as it is.
 * @param waitSeconds how long the call waits: the lease does not end before it answers
 */
export function renewLease(
  stored: StoredRun,
  ref: ClaimRef,
  { leaseSeconds, waitSeconds = 0 }: { readonly leaseSeconds?: number; readonly waitSeconds?: number },
  now: number,
): Decision<LeaseStatus> {
  if (!isLeaseValid(stored, ref)) return { result: LOST_LEASE, step: null };
  const step = renewed(stored, now, leaseSeconds, waitSeconds);
  return { result: leaseStatus(step, ref, now), step };
}

/**
 * Appends events, those left out that are stored already, and renews the lease. All are stored, or none.
 * @param offset how many events of this claim were sent before these
 */
export function appendEvents(
  stored: StoredRun,
  ref: ClaimRef,
  offset: number,
  events: readonly SentEvent[],
  now: number,
): Decision<LeaseStatus & { readonly refusals?: readonly Refusal[] }> {
  if (!isLeaseValid(stored, ref)) return { result: LOST_LEASE, step: null };
  const { storedEvents, sentEvents, sentBytes } = stored.execution;
  const renewal = renewed(stored, now);
  const status = leaseStatus(renewal, ref, now);
  if (offset > storedEvents) {
    const message = `\`offset\` must not be more than the number of stored events, ${storedEvents}: send those between again.`;
    return { result: { ...status, refusals: [{ code: 'CONFLICT', message, key: 'offset' }] }, step: renewal };
  }
  const fresh = events.slice(storedEvents - offset);
  const bytes = fresh.reduce(
    (sum, { type, data }) => sum + Buffer.byteLength(type) + Buffer.byteLength(data),
    0,
  );
  if (sentEvents + fresh.length > MAX_EVENTS || sentBytes + bytes > MAX_EVENT_BYTES) {
    const message = `A run has ${MAX_EVENTS} events and ${MAX_EVENT_BYTES} bytes of them at most: send no more.`;
    return { result: { ...status, refusals: [invalid('events', message)] }, step: renewal };
  }
  const counted: RunStep = {
    ...renewal,
    execution: Object.freeze({
      ...renewal.execution,
      storedEvents: storedEvents + fresh.length,
      sentEvents: sentEvents + fresh.length,
      sentBytes: sentBytes + bytes,
    }),
  };
  const step = withEvents(counted, fresh, now);
  return { result: leaseStatus(step, ref, now), step };
}

/** Saves a checkpoint and renews the lease. @param values compact JSON */
export function saveCheckpoint(
  stored: StoredRun,
  ref: ClaimRef,
  values: string,
  now: number,
): Decision<LeaseStatus> {
  if (!isLeaseValid(stored, ref)) return { result: LOST_LEASE, step: null };
  const { execution } = renewed(stored, now);
  const changed = stepOf({ ...stored, execution }, { hasCheckpoint: true, ...heldBy(stored) }, {}, now);
  const step = { ...changed, payloads: { checkpoint: values } };
  return { result: leaseStatus(step, ref, now), step };
}

/** Returns a run to the queue at once. The attempt does not count, and the lease is no longer valid. */
export function releaseRun(stored: StoredRun, ref: ClaimRef, now: number): Decision<LeaseStatus> {
  if (!isLeaseValid(stored, ref)) return { result: LOST_LEASE, step: null };
  const { run, execution } = stored;
  if (run.cancelRequestedAt !== null) {
    return {
      result: LOST_LEASE,
      step: endRun(stored, { status: 'CANCELLED', cancelAction: execution.cancelAction }, now),
    };
  }
  const changes = { attempt: run.attempt - 1, worker: null, availableAt: instant(now) };
  return { result: LOST_LEASE, step: stepOf(stored, changes, { lease: null }, now) };
}

/** The end of an attempt, checked. */
export interface AttemptEnd {
  readonly status: Exclude<RunStatus, 'PENDING' | 'RUNNING'>;
  /** Compact JSON. */
  readonly output: string | undefined;
  readonly error: RunError | null;
  readonly interrupt: JsonObject | null;
  readonly retry: boolean;
  /** Seconds until the next attempt. Default: by the backoff. */
  readonly retryAfterSeconds: number | null;
  /** The digest of the whole input. */
  readonly digest: string;
}

/** Ends an attempt: the run ends, or gets another attempt. The same end sent again has the same result. */
export function finishAttempt(
  stored: StoredRun,
  ref: ClaimRef,
  end: AttemptEnd,
  now: number,
): Decision<EndResult> {
  const { run, execution } = stored;
  const { reported } = execution;
  if (execution.claims === ref.claim && reported?.digest === end.digest) {
    return { result: { accepted: true, status: reported.status }, step: null };
  }
  if (!isLeaseValid(stored, ref)) return { result: { accepted: false, status: run.status }, step: null };
  const step = stepAfter(stored, end, now);
  const { status } = step.run;
  return {
    result: { accepted: true, status },
    step: {
      ...step,
      execution: Object.freeze({ ...step.execution, lease: null, reported: { digest: end.digest, status } }),
    },
  };
}

function stepAfter(stored: StoredRun, end: AttemptEnd, now: number): RunStep {
  const { run, execution } = stored;
  const { cancelAction } = execution;
  if (!end.retry) return endRun(stored, { ...end, cancelAction }, now);
  if (run.cancelRequestedAt !== null) return endRun(stored, { status: 'CANCELLED', cancelAction }, now);
  if (run.attempt >= run.maxAttempts) return endRun(stored, end, now);
  const pause = end.retryAfterSeconds ?? backoff(run.attempt);
  return stepOf(stored, { worker: null, availableAt: instant(now + pause * 1_000) }, {}, now);
}

/** The fields of a run that its worker holds: the state "held", also after "between". */
function heldBy({ execution: { lease } }: RunState) {
  return { worker: lease?.worker ?? null, availableAt: null };
}

/** Renews a lease. Only a heartbeat shortens it, by its `leaseSeconds`: another call may come while a heartbeat waits. */
function renewed(stored: StoredRun, now: number, leaseSeconds?: number, waitSeconds = 0): RunStep {
  const { run, execution } = stored;
  const { lease } = execution;
  if (lease === null) throw new TypeError('Only a valid lease can be renewed.');
  const seconds = leaseSeconds ?? lease.seconds;
  const wanted = now + (seconds + waitSeconds) * 1_000;
  const endsAt = leaseSeconds === undefined ? Math.max(lease.endsAt, wanted) : wanted;
  const renewal = { lease: { ...lease, seconds, endsAt } };
  if (run.worker === null) return stepOf(stored, heldBy(stored), renewal, now);
  // The record does not change, so nothing is published.
  return { run, execution: Object.freeze({ ...execution, ...renewal }), events: [], payloads: null };
}
