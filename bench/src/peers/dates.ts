import type { Assistant, Run, Thread } from '../../../dist/store/records.js';
import type { TimesOf } from './by-hand.ts';

interface Dates {
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/**
 * The times of records as `Date`s, which most keep and turn into text for each answer. The stores keep text, so each
 * record is read once, and its dates are kept beside it.
 */
export function createDates(): TimesOf {
  const kept = new WeakMap<Assistant | Thread | Run, Dates>();
  return (record) => {
    let dates = kept.get(record);
    if (dates === undefined) {
      dates = { createdAt: new Date(record.createdAt), updatedAt: new Date(record.updatedAt) };
      kept.set(record, dates);
    }
    return dates;
  };
}
