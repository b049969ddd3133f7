import { setImmediate as nextTurn } from 'node:timers/promises';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Page } from '../../src/store/query.ts';
import type { AssistantStore } from '../../src/store/stores.ts';
import { call, type OpenStores, valueOf, withBench } from '../support/bench.ts';
import { comparePlaces, expectedList, type Place, placeOf } from './paging/expected.ts';
import { type List, listSpecs, openList } from './paging/lists.ts';
import { alice, steps, take } from './paging/world.ts';
import { type AnyRecord, existing, makeAssistant } from '../support/records.ts';
import { type CaseCount, cases } from '../support/random.ts';
import { endCursor, idsOf, startCursor } from '../support/walk.ts';

const sizes = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 100 }));

/** How much is tried: less where each step takes its time. */
export interface PagingLoad {
  /** Runs of the law of whole lists. */
  readonly whole: number;
  /** Runs of the law of lists that change between two pages. */
  readonly between: number;
  /** Runs of the law of long lists that change during a read. */
  readonly during: number;
  /** Records of a long list. */
  readonly long: number;
}

const LOADS: Readonly<Record<CaseCount, PagingLoad>> = {
  some: { whole: 20, between: 60, during: 3, long: 2_500 },
  all: { whole: 100, between: 300, during: 12, long: 4_500 },
};

/** The laws of pages, for every order and filter and pages of any size. */
export function testPaging(name: string, open: OpenStores, loads = LOADS): void {
  const load = cases(loads);
  describe(`the pages of ${name}`, () => {
    it('should be the whole list, once, whichever way they are read', () =>
      fc.assert(
        fc.asyncProperty(
          steps(1, 60),
          fc.array(listSpecs, { minLength: 6, maxLength: 6 }),
          sizes,
          (script, specs, size) =>
            withBench(open, async (bench) => {
              for (const step of script) await take(bench, step);
              for (const spec of specs) {
                const list = await openList(bench.stores, spec);
                const expected = await list.expected();
                expect(await list.store.count(alice, list.filter)).toBe(expected.length);
                await expectPages(list, expected, size, true);
                await expectPages(list, expected, size, false);
                await expectPages(list, expected, 100, true);
                await expectNeighbours(list, expected);
              }
            }),
        ),
        { numRuns: load.whole },
      ));

    it('should go on where they were, whatever is created, changed and deleted in between', () =>
      fc.assert(
        fc.asyncProperty(
          steps(10, 50),
          listSpecs,
          fc.integer({ min: 1, max: 4 }),
          fc.boolean(),
          fc.array(steps(0, 5), { maxLength: 12 }),
          (script, spec, size, forward, between) =>
            withBench(open, async (bench) => {
              for (const step of script) await take(bench, step);
              const list = await openList(bench.stores, spec);
              const places = new Map(
                (await list.expected()).map((record) => [record.id, placeOf(record, list.orderBy)]),
              );
              const seen: AnyRecord[] = [];
              let last: { readonly cursor: string; readonly place: Place } | null = null;
              for (let more = true, page = 0; more; page++) {
                const expected = await list.expected();
                // One that has moved or gone, now or for a while, is not in place.
                const now = new Map(expected.map((record) => [record.id, placeOf(record, list.orderBy)]));
                for (const [id, place] of places) if (now.get(id)?.join() !== place.join()) places.delete(id);
                const got = await read(list, size, forward, last?.cursor ?? null);
                expectPage(got, list, expected, { size, forward, place: last?.place ?? null });
                seen.push(...(forward ? got.items : got.items.toReversed()));
                const end = forward ? got.items.at(-1) : got.items[0];
                if (end !== undefined)
                  last = { cursor: got.cursorOf(end), place: placeOf(end, list.orderBy) };
                more = forward ? got.hasNextPage : got.hasPreviousPage;
                for (const step of between[page] ?? []) await take(bench, step);
              }
              // What was there all the time is there once.
              const left = await list.expected();
              const stays = left.filter(
                (record) => places.get(record.id)?.join() === placeOf(record, list.orderBy).join(),
              );
              const times = ({ id }: AnyRecord): number => seen.filter((record) => record.id === id).length;
              expect(stays.filter((record) => times(record) !== 1)).toStrictEqual([]);
              const repeated = seen.filter((record) => times(record) > 1);
              expect(list.orderBy.field === 'CREATED_AT' ? repeated : []).toStrictEqual([]);
            }),
        ),
        { numRuns: load.between },
      ));
  });

  describe(`the long lists of ${name}`, () => {
    it.each(['CREATED_AT', 'UPDATED_AT', 'NAME'] as const)('should be filtered to the end: %s', (field) =>
      withBench(open, async (bench) => {
        await fill(bench.stores.assistants, bench.clock, load.long);
        for (const nameContains of ['7', '77', '777', 'none of them']) {
          for (const direction of ['ASC', 'DESC'] as const) {
            const filter = () => ({ nameContains });
            const list = await openList(bench.stores, {
              of: 'assistants',
              orderBy: { field, direction },
              filter,
            });
            const expected = await list.expected();
            expect(await list.store.count(alice, list.filter)).toBe(expected.length);
            const size = nameContains === '7' ? 100 : 2;
            await expectPages(list, expected, size, true);
            await expectPages(list, expected, size, false);
          }
        }
      }),
    );

    it('should skip and repeat nothing that stays in place while others change during a read', () =>
      fc.assert(
        fc.asyncProperty(
          listOrders,
          fc.integer({ min: 1, max: 10 }),
          fc.boolean(),
          fc.array(
            fc.record({ place: fc.nat({ max: load.long - 1 }), to: fc.constantFrom('0', '5', '9', null) }),
            {
              maxLength: 12,
            },
          ),
          (orderBy, size, forward, changes) =>
            withBench(open, async ({ stores, clock }) => {
              await fill(stores.assistants, clock, load.long);
              const filter = { nameContains: '77' };
              const list = await openList(stores, { of: 'assistants', orderBy, filter: () => filter });
              const all = await list.expected();
              const picked = changes.map(({ place, to }) => ({ ...existing(all[place % all.length]), to }));
              const moved = new Set(idsOf(picked));
              const stay = all.filter(({ id }) => !moved.has(id));

              const counting = call(() => list.store.count(alice, filter));
              const reading = readAll(list, size, forward);
              for (const { id, to } of picked) {
                clock.now += 1;
                if (to === null) await stores.assistants.delete(alice, id);
                else await stores.assistants.update(alice, id, { name: `${to} 77` });
                await nextTurn();
              }
              const seen = await reading;
              const still = seen.filter(({ id }) => !moved.has(id));
              expect(idsOf(still)).toStrictEqual(idsOf(forward ? stay : stay.toReversed()));
              const count = await counting;
              expect(count).toBeGreaterThanOrEqual(stay.length);
              expect(count).toBeLessThanOrEqual(all.length);
              expect(await list.store.count(alice, filter)).toBe((await list.expected()).length);
            }),
        ),
        { numRuns: load.during },
      ));

    it('should be in order and go on when a record moves ahead during a read', () =>
      withBench(open, async ({ stores, clock }) => {
        const first = await makeAssistant(stores, alice, { name: ' first match' });
        await fill(stores.assistants, clock, load.long);
        await makeAssistant(stores, alice, { name: 'm match' });
        const last = await makeAssistant(stores, alice, { name: 'the last match' });
        const orderBy = { field: 'NAME', direction: 'ASC' } as const;
        const query = { filter: { nameContains: 'match' }, orderBy, first: 2 };
        const reading = call(() => stores.assistants.list(alice, query));
        await stores.assistants.update(alice, first.id, { name: 'n match' });
        const page = await reading;
        const names = page.items.map(({ name: shown }) => shown);
        expect(names).toHaveLength(2);
        expect(names).toStrictEqual(names.toSorted());
        expect(page.hasNextPage).toBe(true);
        const next = await stores.assistants.list(alice, { ...query, after: endCursor(page), first: 2 });
        expect(next.items.at(-1)).toStrictEqual(last);
      }));
  });
}

const listOrders = fc.record({
  field: fc.constantFrom('CREATED_AT' as const, 'UPDATED_AT' as const, 'NAME' as const),
  direction: fc.constantFrom('ASC' as const, 'DESC' as const),
});

/** More records than a store may look at in one go, with their numbers as names. */
async function fill(assistants: AssistantStore, clock: { now: number }, count: number): Promise<void> {
  for (let i = 0; i < count; i += 50) {
    clock.now += 1;
    const names = Array.from({ length: 50 }, (_, j) => String(i + j).padStart(4, '0'));
    const made = await Promise.all(
      names.map(async (name) => assistants.create(alice, { graphId: 'graph', name })),
    );
    made.forEach(valueOf);
  }
}

async function read(
  list: List,
  size: number,
  forward: boolean,
  cursor: string | null,
): Promise<Page<AnyRecord>> {
  const { store, filter, orderBy } = list;
  const args = forward ? { first: size, after: cursor } : { last: size, before: cursor };
  return store.list(alice, { filter, orderBy, ...args });
}

/** All of a list in the order in which it was read. */
async function readAll(list: List, size: number, forward: boolean): Promise<readonly AnyRecord[]> {
  const seen: AnyRecord[] = [];
  let cursor: string | null = null;
  for (let more = true; more;) {
    const page: Page<AnyRecord> = await read(list, size, forward, cursor);
    expect(new Set(idsOf(page.items)).size).toBe(page.items.length);
    expect(idsOf(page.items)).toStrictEqual(idsOf(expectedList(page.items, {}, list.orderBy)));
    seen.push(...(forward ? page.items : page.items.toReversed()));
    cursor = forward ? endCursor(page) : startCursor(page);
    more = forward ? page.hasNextPage : page.hasPreviousPage;
  }
  return seen;
}

/** Expects the page that follows a place, which is where the last one ended. */
function expectPage(
  page: Page<AnyRecord>,
  { orderBy }: List,
  expected: readonly AnyRecord[],
  { size, forward, place }: { size: number; forward: boolean; place: Place | null },
): void {
  const way = forward ? 1 : -1;
  const rest = expected.filter(
    (record) => place === null || comparePlaces(placeOf(record, orderBy), place, orderBy) * way > 0,
  );
  const items = forward ? rest.slice(0, size) : rest.slice(-size);
  expect(page.items).toStrictEqual(items);
  const [more, passed] = [rest.length > size, expected.length > rest.length];
  expect([page.hasNextPage, page.hasPreviousPage]).toStrictEqual(forward ? [more, passed] : [passed, more]);
}

/** Expects each item's cursor to stand between its neighbours. */
async function expectNeighbours(list: List, expected: readonly AnyRecord[]): Promise<void> {
  const page = await read(list, 100, true, null);
  for (const [index, item] of page.items.entries()) {
    const cursor = page.cursorOf(item);
    expect(idsOf((await read(list, 1, true, cursor)).items)).toStrictEqual(
      idsOf(expected.slice(index + 1, index + 2)),
    );
    expect(idsOf((await read(list, 1, false, cursor)).items)).toStrictEqual(
      idsOf(expected.slice(Math.max(index - 1, 0), index)),
    );
  }
}

/** Reads a list to its end, and expects each page to be the next part of what there should be. */
async function expectPages(
  list: List,
  expected: readonly AnyRecord[],
  size: number,
  forward: boolean,
): Promise<void> {
  let cursor: string | null = null;
  for (let from = 0; from === 0 || from < expected.length; from += size) {
    const page: Page<AnyRecord> = await read(list, size, forward, cursor);
    const start = forward ? from : Math.max(expected.length - from - size, 0);
    const end = forward ? from + size : expected.length - from;
    expect(page.items).toStrictEqual(expected.slice(start, end));
    expect([page.hasPreviousPage, page.hasNextPage]).toStrictEqual([start > 0, end < expected.length]);
    cursor = forward ? endCursor(page) : startCursor(page);
  }
}
