import { describe, expect, it } from 'vitest';
import type { Owner } from '../../../src/store/owner.ts';
import type { Order, OrderField } from '../../../src/store/query.ts';
import type { JsonObject } from '../../../src/store/records.ts';
import type { Stores } from '../../../src/store/stores.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { badInputOf, type OnBench, valueOf } from '../../support/bench.ts';
import { existing, makeAssistant, makeRun, makeThread, RESOURCES } from '../../support/records.ts';
import { endCursor, idsOf, type Listed, NEWEST_FIRST, startCursor, walk } from '../../support/walk.ts';

const alice = owner('alice');
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const MADE_UP = ['made up', '', ' ', '0', 'null', '\0', '\ud800', '😀', 'A'.repeat(22), 'A'.repeat(100_000)];
const NAME_ORDER = { field: 'NAME', direction: 'ASC' } as const;

/** Which cursors a list accepts. */
export function testCursors(onBench: OnBench): void {
  describe('cursors', () => {
    it.each(MADE_UP)('should be refused when they are made up: %j', (cursor) =>
      onBench(async ({ stores }) => {
        for (const resource of RESOURCES) {
          valueOf(await resource.create(stores, alice));
          for (const as of [alice, owner('nobody')]) {
            const refusal = await refusalOf(resource.of(stores), as, cursor, NEWEST_FIRST);
            expect(refusal).not.toBeNull();
            expect(refusal).toBe(await refusalOf(resource.of(stores), as, 'made up', NEWEST_FIRST));
          }
        }
      }),
    );

    it('should be refused when they are of another list: owner, type, order, filter or parent', () =>
      onBench(async ({ stores }) => {
        const lists = await manyLists(stores);
        for (const from of lists) {
          const cursor = await from.cursor();
          for (const to of lists) {
            const names = `${from.name} → ${to.name}`;
            const expected = to === from ? null : await to.refusal('made up');
            expect({ names, refusal: await to.refusal(cursor) }).toStrictEqual({ names, refusal: expected });
          }
        }
      }));

    it('should be refused when any character is changed, added or left out', () =>
      onBench(async ({ stores }) => {
        await makeAssistant(stores, alice, { name: 'n' });
        const orders = [NEWEST_FIRST, NAME_ORDER] as const;
        for (const orderBy of orders) {
          const cursor = existing(endCursor(await stores.assistants.list(alice, { orderBy })));
          const madeUp = await refusalOf(stores.assistants, alice, 'made up', orderBy);
          const strange: string[] = [];
          const same = async (other: string): Promise<void> => {
            if ((await refusalOf(stores.assistants, alice, other, orderBy)) !== madeUp) strange.push(other);
          };
          expect(madeUp).not.toBeNull();
          expect(await refusalOf(stores.assistants, alice, cursor, orderBy)).toBeNull();
          for (const [index, character] of Array.from(cursor).entries()) {
            const [start, end] = [cursor.slice(0, index), cursor.slice(index + 1)];
            // All 64 digits, so that each spelling of unused bits is among them, and what decoders skip or take for one.
            for (const other of `${BASE64}+/=\n \0é`) {
              if (other !== character) await same(start + other + end);
            }
            await same(start + end);
            await same(start);
            await same(`${start}=${character}${end}`);
          }
          for (const more of ['=', '==', 'A', ' ', '\n', '\0', '.', cursor]) {
            await same(cursor + more);
            await same(more + cursor);
          }
          expect(strange).toStrictEqual([]);
        }
      }));

    it('should be refused when they come from other stores', () =>
      onBench(async ({ stores }) => {
        await makeThread(stores, alice);
        await onBench(async (others) => {
          await makeThread(others.stores, alice);
          const cursor = existing(
            endCursor(await others.stores.threads.list(alice, { orderBy: NEWEST_FIRST })),
          );
          const refusal = await refusalOf(stores.threads, alice, cursor, NEWEST_FIRST);
          expect(refusal).not.toBeNull();
          expect(refusal).toBe(await refusalOf(stores.threads, alice, 'made up', NEWEST_FIRST));
        });
      }));

    it('should be good for pages of any size, forward and backward', () =>
      onBench(async ({ stores }) => {
        for (let i = 0; i < 5; i++) await makeThread(stores, alice);
        const { threads } = stores;
        const all = await threads.list(alice, { orderBy: NEWEST_FIRST, last: 5 });
        const cursor = all.cursorOf(existing(all.items[2]));
        const after = await threads.list(alice, { orderBy: NEWEST_FIRST, first: 100, after: cursor });
        const before = await threads.list(alice, { orderBy: NEWEST_FIRST, last: 1, before: cursor });
        expect(idsOf(after.items)).toStrictEqual(idsOf(all.items.slice(3)));
        expect(idsOf(before.items)).toStrictEqual(idsOf(all.items.slice(1, 2)));
        expect(after.cursorOf(existing(after.items[0]))).toBe(all.cursorOf(existing(all.items[3])));
      }));

    it.each(RESOURCES)('should work after their record was deleted: $name', (resource) =>
      onBench(async ({ stores, clock }) => {
        for (let i = 0; i < 5; i++) {
          clock.now += i % 2;
          const { id } = valueOf(await resource.create(stores, alice));
          if (resource.name === 'run') await stores.runs.update(alice, id, { status: 'SUCCESS' });
        }
        const store = resource.of(stores);
        const page = await store.list(alice, { orderBy: NEWEST_FIRST });
        const [a, b, c, d, e] = page.items.map((item) => ({ id: item.id, cursor: page.cursorOf(item) }));
        if (!a || !b || !c || !d || !e) throw new Error('There should be five.');
        for (const { id } of [a, c, e]) expect(valueOf(await store.delete(alice, id))).not.toBeNull();

        const after = await store.list(alice, { orderBy: NEWEST_FIRST, first: 1, after: a.cursor });
        expect(idsOf(after.items)).toStrictEqual([b.id]);
        expect([after.hasNextPage, after.hasPreviousPage]).toStrictEqual([true, false]);
        const middle = await store.list(alice, { orderBy: NEWEST_FIRST, first: 1, after: c.cursor });
        expect(idsOf(middle.items)).toStrictEqual([d.id]);
        expect([middle.hasNextPage, middle.hasPreviousPage]).toStrictEqual([false, true]);
        const before = await store.list(alice, { orderBy: NEWEST_FIRST, last: 1, before: e.cursor });
        expect(idsOf(before.items)).toStrictEqual([d.id]);
        expect([before.hasNextPage, before.hasPreviousPage]).toStrictEqual([false, true]);
        for (const { id } of [b, d]) await store.delete(alice, id);
        const empty = await store.list(alice, { orderBy: NEWEST_FIRST, after: c.cursor });
        expect(empty).toMatchObject({ items: [], hasNextPage: false, hasPreviousPage: false });
      }),
    );

    it('should stand where their record stood when it has moved since', () =>
      onBench(async ({ stores }) => {
        for (const name of ['a', 'b', 'c', 'd']) await makeAssistant(stores, alice, { name });
        const { assistants } = stores;
        const page = await assistants.list(alice, { orderBy: NAME_ORDER, first: 2 });
        const moved = existing(page.items[1]);
        await assistants.update(alice, moved.id, { name: 'z' });
        const rest = await assistants.list(alice, { orderBy: NAME_ORDER, after: page.cursorOf(moved) });
        expect(rest.items.map(({ name }) => name)).toStrictEqual(['c', 'd', 'z']);
        expect(rest.hasPreviousPage).toBe(true);
      }));

    it('should hold names of any length and script', () =>
      onBench(async ({ stores }) => {
        const names = ['x'.repeat(256), '😀'.repeat(256), 'ÿ', '"\\', '\u0001', '\ufffd', '\ufffd\ufffd'];
        for (const name of names) await makeAssistant(stores, alice, { name });
        const found: string[] = [];
        let after: string | null = null;
        for (let i = 0; i <= names.length; i++) {
          const page = await stores.assistants.list(alice, { orderBy: NAME_ORDER, first: 1, after });
          found.push(...page.items.map(({ name }) => name));
          after = endCursor(page) ?? after;
        }
        expect(found.toSorted()).toStrictEqual(names.toSorted());
      }));
  });
}

/** What a list says to a cursor, forward and backward; null when it accepts it in either. */
async function refusalOf<Filter, Field extends OrderField>(
  store: Listed<unknown, Filter, Field>,
  as: Owner,
  cursor: string,
  orderBy: Order<Field>,
  filter: Filter | null = null,
): Promise<string | null> {
  const after = await badInputOf(() => store.list(as, { filter, orderBy, after: cursor }));
  const before = await badInputOf(() => store.list(as, { filter, orderBy, before: cursor }));
  return after === null || before === null ? null : `${after} / ${before}`;
}

interface NamedList {
  readonly name: string;
  cursor(): Promise<string>;
  refusal(cursor: string): Promise<string | null>;
}

/** Lists that all have something in them, no two of them the same. */
async function manyLists(stores: Stores): Promise<readonly NamedList[]> {
  const lists: NamedList[] = [];
  function add<R, Filter, Field extends OrderField>(
    store: Listed<R, Filter, Field>,
    as: Owner,
    orderBy: Order<Field>,
    filter: Filter,
  ): void {
    lists.push({
      name: JSON.stringify([as, orderBy, filter, lists.length]),
      cursor: async () => existing(startCursor(await store.list(as, { filter, orderBy, last: 1 }))),
      refusal: (cursor) => refusalOf(store, as, cursor, orderBy, filter),
    });
  }
  const metadatas: readonly JsonObject[] = [{}, { a: 1 }, { a: [1] }, { a: { b: 1 } }, { b: '1' }, { a: [] }];
  for (const as of ['alice', 'bob', '__proto__'].map(owner)) {
    const { threadId, assistantId, id } = await makeRun(stores, as);
    const other = await makeRun(stores, as, { threadId }, 'ERROR');
    await makeRun(stores, as, { assistantId: other.assistantId });
    const orders = (['CREATED_AT', 'UPDATED_AT'] as const).flatMap((field) => [
      { field, direction: 'ASC' } as const,
      { field, direction: 'DESC' } as const,
    ]);
    for (const { of } of RESOURCES) {
      const [first] = await walk(of(stores), as, NEWEST_FIRST);
      const ids = [existing(first).id];
      for (const orderBy of orders) add(of(stores), as, orderBy, {});
      add(of(stores), as, NEWEST_FIRST, { ids });
      add(of(stores), as, NEWEST_FIRST, { ids: [...ids, 'other'] });
      add(of(stores), as, NEWEST_FIRST, { metadata: { owner: as } });
    }
    add(stores.assistants, as, NAME_ORDER, {});
    add(stores.assistants, as, { field: 'NAME', direction: 'DESC' }, {});
    add(stores.assistants, as, NAME_ORDER, { graphId: 'graph' });
    add(stores.assistants, as, NAME_ORDER, { nameContains: 'U' });
    add(stores.threads, as, NEWEST_FIRST, { status: ['BUSY'] });
    add(stores.threads, as, NEWEST_FIRST, { status: ['BUSY', 'IDLE'] });
    add(stores.runs, as, NEWEST_FIRST, { status: ['PENDING'] });
    add(stores.runs, as, NEWEST_FIRST, { parent: { threadId } });
    add(stores.runs, as, NEWEST_FIRST, { parent: { threadId }, status: ['PENDING'] });
    add(stores.runs, as, NEWEST_FIRST, { parent: { assistantId } });
    add(stores.runs, as, NEWEST_FIRST, { parent: { assistantId: other.assistantId } });
    await stores.threads.update(as, threadId, { metadata: { a: [1, { b: 1 }], b: '1' } });
    await stores.runs.update(as, id, { metadata: { a: { b: 1 } } });
    for (const metadata of metadatas) {
      if ((await stores.threads.count(as, { metadata })) > 0)
        add(stores.threads, as, NEWEST_FIRST, { metadata });
    }
  }
  return lists;
}
