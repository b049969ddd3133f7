import { describe, expect, it } from 'vitest';
import type { PageArgs } from '../../../src/store/query.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { badInputOf, type OnBench, valueOf } from '../../support/bench.ts';
import { existing, makeThread, RESOURCES } from '../../support/records.ts';
import { endCursor, idsOf, NEWEST_FIRST, walk } from '../../support/walk.ts';

const alice = owner('alice');
const COUNT = 25;

/** The size and direction of pages. */
export function testPageArgs(onBench: OnBench): void {
  describe('the arguments of a page', () => {
    it.each<[PageArgs, number | null, [number, number], [boolean, boolean]]>([
      [{}, null, [0, 20], [true, false]],
      [{ first: null, last: null, after: null, before: null }, null, [0, 20], [true, false]],
      [{ first: 5 }, null, [0, 5], [true, false]],
      [{ first: 0 }, null, [0, 0], [true, false]],
      [{ first: 1 }, null, [0, 1], [true, false]],
      [{ first: 24 }, null, [0, 24], [true, false]],
      [{ first: 25 }, null, [0, 25], [false, false]],
      [{ first: 100 }, null, [0, 25], [false, false]],
      [{ last: 5 }, null, [20, 25], [false, true]],
      [{ last: 0 }, null, [25, 25], [false, true]],
      [{ last: 24 }, null, [1, 25], [false, true]],
      [{ last: 25 }, null, [0, 25], [false, false]],
      [{ last: 100 }, null, [0, 25], [false, false]],
      [{ after: 'x' }, 0, [1, 21], [true, true]],
      [{ after: 'x' }, 4, [5, 25], [false, true]],
      [{ after: 'x' }, 24, [25, 25], [false, true]],
      [{ first: 0, after: 'x' }, 4, [5, 5], [true, true]],
      [{ first: 3, after: 'x' }, 4, [5, 8], [true, true]],
      [{ first: 3, after: 'x' }, 21, [22, 25], [false, true]],
      [{ first: 3, after: 'x', before: null, last: null }, 20, [21, 24], [true, true]],
      [{ before: 'x' }, 24, [4, 24], [true, true]],
      [{ before: 'x' }, 20, [0, 20], [true, false]],
      [{ before: 'x' }, 0, [0, 0], [true, false]],
      [{ last: 3, before: 'x' }, 10, [7, 10], [true, true]],
      [{ last: 3, before: 'x' }, 3, [0, 3], [true, false]],
      [{ last: 0, before: 'x' }, 3, [3, 3], [true, true]],
      [{ last: 3, before: 'x', first: null, after: null }, 24, [21, 24], [true, true]],
    ])(
      'should give for %j with a cursor of item %j the items %j',
      (args, place, [from, to], [next, previous]) =>
        onBench(async ({ stores }) => {
          for (let i = 0; i < COUNT; i++) await makeThread(stores, alice);
          await makeThread(stores, owner('bob'));
          const all = await stores.threads.list(alice, { orderBy: NEWEST_FIRST, first: 100 });
          const cursor = place === null ? null : all.cursorOf(existing(all.items[place]));
          const page = await stores.threads.list(alice, {
            orderBy: NEWEST_FIRST,
            ...withCursor(args, cursor),
          });
          expect(idsOf(page.items)).toStrictEqual(idsOf(all.items.slice(from, to)));
          expect([page.hasNextPage, page.hasPreviousPage]).toStrictEqual([next, previous]);
        }),
    );

    it.each<PageArgs>([{}, { first: 0 }, { first: 5 }, { last: 0 }, { last: 5 }])(
      'should give an empty page of an empty list: %j',
      (args) =>
        onBench(async ({ stores }) => {
          for (const { of } of RESOURCES) {
            const page = await of(stores).list(alice, { orderBy: NEWEST_FIRST, ...args });
            expect(page).toMatchObject({ items: [], hasNextPage: false, hasPreviousPage: false });
          }
        }),
    );

    it('should give at most 100', () =>
      onBench(async ({ stores }) => {
        for (let i = 0; i < 102; i++) await makeThread(stores, alice);
        const { threads } = stores;
        const most = await threads.list(alice, { orderBy: NEWEST_FIRST, first: 100 });
        expect(most.items).toHaveLength(100);
        expect(most.hasNextPage).toBe(true);
        expect((await threads.list(alice, { orderBy: NEWEST_FIRST, last: 100 })).items).toHaveLength(100);
        expect(await walk(threads, alice, NEWEST_FIRST)).toHaveLength(102);
        const rest = await threads.list(alice, { orderBy: NEWEST_FIRST, first: 100, after: endCursor(most) });
        expect(rest.items).toHaveLength(2);
      }));

    it.each<PageArgs>([
      ...[101, 1_000, 2 ** 31 - 1, -1, -20, 0.5, Number.NaN, Number.POSITIVE_INFINITY].flatMap((size) => [
        { first: size },
        { last: size },
        { first: size, after: 'x' },
        { last: size, before: 'x' },
      ]),
      { first: 1, last: 1 },
      { first: 0, last: 0 },
      { first: 1, last: 1, after: 'x' },
      { first: 1, last: 1, before: 'x' },
      { first: 1, last: 1, after: 'x', before: 'x' },
      { first: 1, before: 'x' },
      { first: 0, before: 'x' },
      { last: 1, after: 'x' },
      { last: 0, after: 'x' },
      { first: 1, after: 'x', before: 'x' },
      { last: 1, after: 'x', before: 'x' },
    ])('should refuse %j', (args) =>
      onBench(async ({ stores }) => {
        for (const resource of RESOURCES) {
          const store = resource.of(stores);
          valueOf(await resource.create(stores, alice));
          const cursor = endCursor(await store.list(alice, { orderBy: NEWEST_FIRST }));
          const query = { orderBy: NEWEST_FIRST, ...withCursor(args, cursor) };
          expect(await badInputOf(() => store.list(alice, query))).not.toBeNull();
        }
      }),
    );
  });
}

function withCursor(args: PageArgs, cursor: string | null): PageArgs {
  return {
    ...args,
    ...(args.after != null && { after: cursor }),
    ...(args.before != null && { before: cursor }),
  };
}
