import { setImmediate as nextTurn } from 'node:timers/promises';
import { andThen, type MaybePromise } from '../../lib/maybe-promise.ts';
import { type Match, MATCH_NOTHING } from '../rules/filter.ts';
import { positionOf, type Sortable } from '../rules/order.ts';
import type { ScanRange, SortedIndex } from './sorted-index.ts';

/**
 * How long a scan blocks the event loop before other requests get their turn: this many records, or this many
 * milliseconds where their comparison takes long. Otherwise a rare match in one owner's long list would delay everyone.
 */
const SLICE_RECORDS = 2_000;
const SLICE_TIME = 5;
/** The number of records between two readings of the clock: most comparisons take less time than a reading. */
const CLOCK_INTERVAL = 8;

/** The first `limit` matches of a range: synchronously, or over several turns when many records must be compared. */
export function findMatches<R extends Sortable>(
  index: SortedIndex<R>,
  range: ScanRange,
  match: Match<R>,
  limit: number,
): MaybePromise<readonly R[]> {
  if (limit === 0 || match === MATCH_NOTHING) return [];
  if (match === null) return take(index.scan(range), limit);
  const found = new Map<string, R>();
  const done = scan(index, range, (record) => {
    if (match(record)) {
      // Between two turns a record may have moved to a later position: it is found there again, and counted once.
      found.delete(record.id);
      found.set(record.id, record);
    }
    return found.size < limit;
  });
  return andThen(done, () => [...found.values()]);
}

function take<R>(records: Iterable<R>, limit: number): readonly R[] {
  const taken: R[] = [];
  for (const record of records) if (taken.push(record) === limit) break;
  return taken;
}

/** How many records match. */
export function countMatches<R extends Sortable>(
  index: SortedIndex<R>,
  match: Match<R>,
): MaybePromise<number> {
  if (match === null) return index.size;
  if (match === MATCH_NOTHING) return 0;
  let count = 0;
  const done = scan(index, { field: 'CREATED_AT', ascending: true }, (record) => {
    if (match(record)) count++;
    return true;
  });
  return andThen(done, () => count);
}

/** Calls the visitor with each record of a range, until it returns false. */
function scan<R extends Sortable>(
  index: SortedIndex<R>,
  range: ScanRange,
  visit: (record: R) => boolean,
): MaybePromise<void> {
  const next = scanSlice(index, range, visit);
  if (next === null) return;
  return (async () => {
    for (let rest: ScanRange | null = next; rest !== null; rest = scanSlice(index, rest, visit)) {
      await nextTurn();
    }
  })();
}

/** Scans one slice of a range. Returns the rest of the range, or null when the scan is done. */
function scanSlice<R extends Sortable>(
  index: SortedIndex<R>,
  range: ScanRange,
  visit: (record: R) => boolean,
): ScanRange | null {
  let seen = 0;
  const end = performance.now() + SLICE_TIME;
  for (const record of index.scan(range)) {
    if (!visit(record)) return null;
    seen++;
    if (seen === SLICE_RECORDS || (seen % CLOCK_INTERVAL === 0 && performance.now() > end))
      return { ...range, from: { position: positionOf(record, range.field), inclusive: false } };
  }
  return null;
}
