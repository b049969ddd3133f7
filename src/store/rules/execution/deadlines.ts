import type { RunState, RunStep } from '../../execution.ts';
import type { Run, RunError } from '../../records.ts';
import { instant } from '../identity.ts';
import { isActive } from '../status.ts';
import { endRun, stepOf, type StoredRun } from './steps.ts';

/** How long a worker may take to stop once its run's cancellation was requested, in milliseconds. */
const CANCEL_TIMEOUT = 15_000;
/** The longest pause before another attempt, in seconds. Pauses are 1, 2, 4 … seconds. */
const MAX_BACKOFF = 60;

/** The pause before the attempt after this one, in seconds. */
export function backoff(attempt: number): number {
  return Math.min(2 ** (attempt - 1), MAX_BACKOFF);
}

/**
 * The next deadline of an active run: the end of its lease, of its cancellation, or of its `timeoutSeconds`. In
 * milliseconds since 1970; null where there is none.
 */
export function nextDeadline(state: RunState): number | null {
  const times = Object.values(deadlines(state)).filter((time) => time !== null);
  return times.length === 0 ? null : Math.min(...times);
}

interface Deadlines {
  readonly cancellation: number | null;
  readonly timeout: number | null;
  readonly lease: number | null;
}

function deadlines({ run, execution: { lease } }: RunState): Deadlines {
  if (!isActive(run.status)) return { cancellation: null, timeout: null, lease: null };
  const { startedAt, timeoutSeconds, cancelRequestedAt, worker } = run;
  return {
    cancellation: cancelRequestedAt === null ? null : Date.parse(cancelRequestedAt) + CANCEL_TIMEOUT,
    timeout:
      startedAt === null || timeoutSeconds === null ? null : Date.parse(startedAt) + timeoutSeconds * 1_000,
    lease: worker === null ? null : (lease?.endsAt ?? null),
  };
}

/**
 * Applies the deadline of a run that has passed, of several the earliest; null where none has passed.
 * @param now milliseconds since 1970
 */
export function applyDeadline(stored: StoredRun, now: number): RunStep | null {
  const { cancellation, timeout, lease } = deadlines(stored);
  const due = nextDeadline(stored);
  if (due === null || due > now) return null;
  const { run, execution } = stored;
  if (due === cancellation || (due === lease && run.cancelRequestedAt !== null)) {
    return endRun(stored, { status: 'CANCELLED', cancelAction: execution.cancelAction }, now);
  }
  if (due === timeout) return endRun(stored, { status: 'TIMEOUT', error: timedOut(run) }, now);
  if (run.attempt >= run.maxAttempts) return endRun(stored, { status: 'ERROR', error: exhausted(run) }, now);
  // The lease stays valid: its worker may come back before the run is claimed again.
  return stepOf(stored, { worker: null, availableAt: instant(now + backoff(run.attempt) * 1_000) }, {}, now);
}

function timedOut({ timeoutSeconds }: Run): RunError {
  return {
    code: 'TIMEOUT',
    message: `The run had not ended ${timeoutSeconds} s after its start.`,
    details: null,
  };
}

function exhausted({ maxAttempts }: Run): RunError {
  const message = `The worker of the last attempt, of ${maxAttempts}, was lost: its lease ended.`;
  return { code: 'ATTEMPTS_EXHAUSTED', message, details: null };
}
