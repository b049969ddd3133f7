import { deepStrictEqual } from 'node:assert/strict';
import type { Published } from '../support/bench.ts';

/**
 * Takes the published changes, each of which must go on from the one before of its record.
 * @param known the records by their ids, as they were published last
 */
export function followChanges(published: Published[], known: Map<string, object>): void {
  for (const { change } of published.splice(0)) {
    const { before, after } = change;
    deepStrictEqual(before, known.get((after ?? before)?.id ?? '') ?? null);
    if (after !== null) known.set(after.id, after);
    else if (before !== null) known.delete(before.id);
  }
}
