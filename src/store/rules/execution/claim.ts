import type { RunState, RunStep } from '../../execution.ts';
import type { Owner } from '../../owner.ts';
import { firstEvent, stepOf, withEvents } from './steps.ts';

/** The worker that claims a run. */
export interface Claimant {
  /** The owner that the worker's token names. */
  readonly holder: Owner;
  /** The worker's name. */
  readonly worker: string;
  readonly leaseSeconds: number;
}

/**
 * Claims a run for a worker: the next attempt begins.
 * @param assistantVersion that of the run's assistant
 * @param now milliseconds since 1970
 */
export function claimRun(
  stored: RunState,
  { holder, worker, leaseSeconds }: Claimant,
  assistantVersion: number,
  now: number,
): RunStep {
  const { run, execution } = stored;
  const step = stepOf(
    stored,
    {
      status: 'RUNNING',
      attempt: run.attempt + 1,
      assistantVersion,
      worker,
      availableAt: null,
      startedAt: run.startedAt ?? new Date(now).toISOString(),
    },
    {
      claims: execution.claims + 1,
      lease: { holder, worker, seconds: leaseSeconds, endsAt: now + leaseSeconds * 1_000 },
      storedEvents: 0,
      reported: null,
    },
    now,
  );
  return withEvents(step, [firstEvent(step.run)], now);
}

/** Seconds until a run ends with TIMEOUT, rounded down; null without a limit. @param now milliseconds since 1970 */
export function secondsLeft({ run: { startedAt, timeoutSeconds } }: RunState, now: number): number | null {
  if (startedAt === null || timeoutSeconds === null) return null;
  return Math.max(0, Math.floor((Date.parse(startedAt) - now) / 1_000 + timeoutSeconds));
}
