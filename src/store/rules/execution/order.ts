import type { Run } from '../../records.ts';
import { compareCodeUnits } from '../text.ts';

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
