import { setImmediate as nextTurn } from 'node:timers/promises';
import { andThen, type MaybePromise } from '../../lib/maybe-promise.ts';
import { type Match, NOTHING } from '../rules/filter.ts';
import { positionOf, type Sortable } from '../rules/order.ts';
import type { SortedLists, Walk } from './sorted-lists.ts';

/**
 * How long a filter looks at records before other requests get their turn: so many, or so many milliseconds when they
 * are slow to compare. Without this, one owner's rare match in a long list would hold up everybody.
 */
const SLICE = 2_000;
const SLICE_TIME = 5;
/** Records between two looks at the clock: one can take a millisecond to compare, and most take less than a look. */
const BETWEEN_LOOKS = 8;

/** The first matches on a walk, so many at most: at once, or over several turns when they are far apart. */
export function findMatches<R extends Sortable>(
  lists: SortedLists<R>,
  walk: Walk,
  match: Match<R>,
  limit: number,
): MaybePromise<readonly R[]> {
  if (limit === 0 || match === NOTHING) return [];
  if (match === null) return take(lists.walk(walk), limit);
  const found = new Map<string, R>();
  const done = scan(lists, walk, (record) => {
    if (match(record)) {
      // Between two turns a record may have moved to a place that was still to come: there it counts, and once.
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
  lists: SortedLists<R>,
  match: Match<R>,
): MaybePromise<number> {
  if (match === null) return lists.size;
  if (match === NOTHING) return 0;
  let count = 0;
  const done = scan(lists, { field: 'CREATED_AT', ascending: true }, (record) => {
    if (match(record)) count++;
    return true;
  });
  return andThen(done, () => count);
}

/** Visits records for as long as the visitor wants more. */
function scan<R extends Sortable>(
  lists: SortedLists<R>,
  walk: Walk,
  visit: (record: R) => boolean,
): MaybePromise<void> {
  const next = scanSlice(lists, walk, visit);
  if (next === null) return;
  return (async () => {
    for (let rest: Walk | null = next; rest !== null; rest = scanSlice(lists, rest, visit)) await nextTurn();
  })();
}

/** Visits a slice of the records; what is left to walk, or null when that is nothing. */
function scanSlice<R extends Sortable>(
  lists: SortedLists<R>,
  walk: Walk,
  visit: (record: R) => boolean,
): Walk | null {
  let seen = 0;
  const end = performance.now() + SLICE_TIME;
  for (const record of lists.walk(walk)) {
    if (!visit(record)) return null;
    seen++;
    if (seen === SLICE || (seen % BETWEEN_LOOKS === 0 && performance.now() > end))
      return { ...walk, from: { position: positionOf(record, walk.field), inclusive: false } };
  }
  return null;
}
