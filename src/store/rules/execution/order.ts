import type { Run } from '../../records.ts';
import { compareCodeUnits } from '../text.ts';

/** Whether a run waits for a worker, or for the time from which one may have it. */
export function isWaiting({ ended, availableAt }: Run): boolean {
  return ended === null && availableAt !== null;
}

/** Whether a run is executed: a worker holds it, or an update has set it RUNNING. */
export function isBusy({ ended, availableAt }: Run): boolean {
  return ended === null && availableAt === null;
}

/**
 * Compares waiting runs of one thread by the order of their execution: one that has begun stays first, then comes the
 * one that may begin earliest, and of those the one that was created first.
 */
export function compareWaiting(a: Run, b: Run): number {
  return (
    Number(b.status === 'RUNNING') - Number(a.status === 'RUNNING') ||
    compareCodeUnits(a.availableAt ?? '', b.availableAt ?? '') ||
    compareCreation(a, b)
  );
}

/** Compares runs by the time of their creation, then by id. */
export function compareCreation(a: Run, b: Run): number {
  return compareCodeUnits(a.createdAt, b.createdAt) || compareCodeUnits(a.id, b.id);
}
