import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/store/records.ts';
import { checkMetadata, mergeMetadata, newMetadata } from '../../../src/store/rules/metadata.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { valueOf } from '../../support/bench.ts';

const alice = owner('alice');
const keys = fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor', 'owner', '');
const flat = fc.dictionary(keys, fc.constantFrom<JsonObject[string]>(null, 0, 1, '1', [], [1], { a: null }), {
  noNullPrototype: true,
});

describe('a merge', () => {
  it('should do key by key what it says, and share nothing', () =>
    fc.assert(
      fc.property(flat, flat, (before, given) => {
        const stored = valueOf(newMetadata(alice, valueOf(checkMetadata(before))));
        const merged = valueOf(mergeMetadata(alice, stored, valueOf(checkMetadata(given))));
        const expected = new Map(Object.entries(before));
        for (const [key, value] of Object.entries(given)) {
          if (value === null) expected.delete(key);
          else expected.set(key, value);
        }
        expected.set('owner', 'alice');
        expect(sorted(Object.entries(merged))).toStrictEqual(sorted([...expected]));
        expect(isFrozen(stored) && isFrozen(merged)).toBe(true);
        expect(isFrozen(before)).toBe(false);
      }),
    ));

  it('should give the very same object when it changes nothing', () =>
    fc.assert(
      fc.property(flat, (before) => {
        const stored = valueOf(newMetadata(alice, valueOf(checkMetadata(before))));
        const again = Object.fromEntries(
          Object.entries(structuredClone(before)).filter(([, value]) => value !== null),
        );
        expect(valueOf(mergeMetadata(alice, stored, valueOf(checkMetadata(again))))).toBe(stored);
        expect(valueOf(mergeMetadata(alice, stored, undefined))).toBe(stored);
      }),
    ));
});

function sorted(entries: readonly (readonly [string, unknown])[]): readonly string[] {
  return entries.map((entry) => JSON.stringify(entry)).toSorted();
}

function isFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isFrozen);
}
