import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AssistantFilter, RunFilter } from '../../../src/store/query.ts';
import { canonicalFilter } from '../../../src/store/rules/filter.ts';
import { nested, ODD_NAMES, single, UNSTORABLE } from '../../support/json-samples.ts';

describe('the name of a filter', () => {
  it.each<[AssistantFilter | RunFilter, AssistantFilter | RunFilter]>([
    [{}, { ids: null, metadata: undefined }],
    [
      { graphId: 'g', nameContains: 'n' },
      { nameContains: 'n', graphId: 'g' },
    ],
    [{ ids: ['a', 'b'] }, { ids: ['b', 'a', 'b'] }],
    [{ status: ['ERROR', 'PENDING'] }, { status: ['PENDING', 'ERROR'] }],
    [{ metadata: { a: 1, b: { c: 2, d: 3 } } }, { metadata: { b: { d: 3, c: 2 }, a: 1 } }],
    [{ metadata: { a: [{ x: 1, y: 2 }] } }, { metadata: { a: [{ y: 2, x: 1 }] } }],
    [{ metadata: { a: 1 } }, { metadata: { a: 1.0 } }],
  ])('should be the same for %j and %j', (a, b) => {
    expect(canonicalFilter(a)).toBe(canonicalFilter(b));
  });

  it('should be another for each filter that asks for something else', () => {
    const filters: readonly (AssistantFilter | RunFilter)[] = [
      {},
      { ids: [] },
      { ids: ['a'] },
      { ids: ['a', 'b'] },
      { ids: ['a,b'] },
      { ids: ['a","b'] },
      { graphId: '' },
      { graphId: 'a' },
      { nameContains: 'a' },
      { status: [] },
      { status: ['ERROR'] },
      { threadId: 'a' },
      { assistantId: 'a' },
      { parent: { threadId: 'a' } },
      { parent: { assistantId: 'a' } },
      { parent: { threadId: 'a' }, threadId: 'a' },
      { metadata: { a: 1 } },
      { metadata: { a: '1' } },
      { metadata: { a: true } },
      { metadata: { a: null } },
      { metadata: { a: [1] } },
      { metadata: { a: [[1]] } },
      { metadata: { a: { 0: 1 } } },
      { metadata: { a: {} } },
      { metadata: { a: [] } },
      { metadata: { a: 1, b: 1 } },
      { metadata: { owner: 'a' } },
      ...ODD_NAMES.map((name) => ({ metadata: single(name, 1) })),
      ...ODD_NAMES.map((name) => ({ metadata: { a: single(name, 1) } })),
    ];
    expect(new Set(filters.map((filter) => canonicalFilter(filter))).size).toBe(filters.length);
  });

  it('should go by what a filter says, whatever it says', () =>
    fc.assert(
      fc.property(
        fc.object({ maxDepth: 2, values: [fc.integer(), fc.string(), fc.constant(null)] }),
        (metadata) => {
          const again = Object.fromEntries(Object.entries(metadata).toReversed());
          const [a, b] = [JSON.parse(JSON.stringify(metadata)), JSON.parse(JSON.stringify(again))];
          expect(canonicalFilter({ metadata: a })).toBe(canonicalFilter({ metadata: b }));
          expect(canonicalFilter({ metadata: { ...a, more: 1 } })).not.toBe(
            canonicalFilter({ metadata: { ...a, more: 2 } }),
          );
        },
      ),
    ));

  it.each([...UNSTORABLE, ['a great many levels', nested(5_000)] as const])(
    'should be short for what no store can hold: %s',
    (_, metadata) => {
      expect(canonicalFilter({ metadata }).length).toBeLessThan(100);
    },
  );
});
