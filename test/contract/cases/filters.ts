import { describe, expect, it } from 'vitest';
import type { AssistantFilter, RunFilter, ThreadFilter } from '../../../src/store/query.ts';
import { type JsonObject, RUN_STATUSES, THREAD_STATUSES } from '../../../src/store/records.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { badInputOf, type OnBench, valueOf } from '../../support/bench.ts';
import { ODD_NAMES, single, UNSTORABLE } from '../../support/json-samples.ts';
import { makeAssistant, makeRun, makeThread, RESOURCES } from '../../support/records.ts';
import { endCursor, idsOf, NEWEST_FIRST, walk } from '../../support/walk.ts';

const alice = owner('alice');

/** What filters keep, and in what order lists come. */
export function testFilters(onBench: OnBench): void {
  describe('lists', () => {
    it.each(RESOURCES)('should keep any of the ids, each once, and none for no ids: $name', (resource) =>
      onBench(async ({ stores, clock }) => {
        const ids: string[] = [];
        for (let i = 0; i < 4; i++) {
          clock.now += 1;
          ids.push(valueOf(await resource.create(stores, alice)).id);
        }
        const [a = '', b = '', c = ''] = ids;
        const store = resource.of(stores);
        const kept = async (...some: string[]): Promise<readonly string[]> => {
          const found = await walk(store, alice, NEWEST_FIRST, { ids: some });
          expect(await store.count(alice, { ids: some })).toBe(found.length);
          return idsOf(found);
        };
        expect(await kept()).toStrictEqual([]);
        expect(await kept(a, c)).toStrictEqual([c, a]);
        expect(await kept(c, 'unknown', b, c)).toStrictEqual([c, b]);
        const page = await store.list(alice, { filter: { ids: [a, b, c] }, orderBy: NEWEST_FIRST, first: 1 });
        expect([page.hasNextPage, page.hasPreviousPage]).toStrictEqual([true, false]);
        const rest = { filter: { ids: [c, b, a] }, orderBy: NEWEST_FIRST, after: endCursor(page) };
        expect(idsOf((await store.list(alice, rest)).items)).toStrictEqual([b, a]);
      }),
    );

    it.each(RESOURCES)('should accept 100 ids and refuse 101: $name', (resource) =>
      onBench(async ({ stores }) => {
        const { id } = valueOf(await resource.create(stores, alice));
        const store = resource.of(stores);
        const ids = [...Array.from({ length: 99 }, (_, i) => `id ${i}`), id];
        expect(idsOf(await walk(store, alice, NEWEST_FIRST, { ids }))).toStrictEqual([id]);
        const filter = { ids: [...ids, 'one more'] };
        expect(await badInputOf(() => store.count(alice, filter))).toContain('100');
        expect(await badInputOf(() => store.list(alice, { filter, orderBy: NEWEST_FIRST }))).toContain('100');
      }),
    );

    it('should keep threads of any of the statuses, and none for no status', () =>
      onBench(async ({ stores }) => {
        const idle = await makeThread(stores, alice);
        const busy = await makeRun(stores, alice, {}, 'RUNNING');
        const failed = await makeRun(stores, alice, {}, 'TIMEOUT');
        const stopped = await makeRun(stores, alice, {}, 'INTERRUPTED');
        const idOf = {
          IDLE: idle.id,
          BUSY: busy.threadId,
          ERROR: failed.threadId,
          INTERRUPTED: stopped.threadId,
        };
        for (const status of subsets(THREAD_STATUSES)) {
          const found = await walk(stores.threads, alice, NEWEST_FIRST, { status });
          expect(idsOf(found).toSorted()).toStrictEqual(status.map((one) => idOf[one]).toSorted());
          expect(await stores.threads.count(alice, { status })).toBe(status.length);
        }
      }));

    it('should keep runs of any of the statuses, and none for no status', () =>
      onBench(async ({ stores }) => {
        for (const status of RUN_STATUSES) await makeRun(stores, alice, {}, status);
        for (const status of subsets(RUN_STATUSES)) {
          const found = await walk(stores.runs, alice, NEWEST_FIRST, { status });
          expect(found.map((run) => run.status).toSorted()).toStrictEqual(status.toSorted());
          expect(await stores.runs.count(alice, { status: [...status, ...status] })).toBe(status.length);
        }
      }));

    it('should require all conditions of assistants together, and none that is null', () =>
      onBench(async ({ stores }) => {
        const { id } = await makeAssistant(stores, alice, { graphId: 'g', name: 'One', metadata: { a: 1 } });
        const match = { ids: [id], graphId: 'g', nameContains: 'n', metadata: { a: 1 } };
        const miss = { ids: ['other'], graphId: 'G', nameContains: 'x', metadata: { a: 2 } };
        expect(
          await misfits<AssistantFilter>(match, miss, (filter) => stores.assistants.count(alice, filter)),
        ).toStrictEqual([]);
      }));

    it('should require all conditions of threads together, and none that is null', () =>
      onBench(async ({ stores }) => {
        const { id } = await makeThread(stores, alice, { a: 1 });
        const match = { ids: [id], status: ['IDLE'], metadata: { a: 1 } } as const;
        const miss = { ids: ['other'], status: ['BUSY'], metadata: { a: 2 } } as const;
        expect(
          await misfits<ThreadFilter>(match, miss, (filter) => stores.threads.count(alice, filter)),
        ).toStrictEqual([]);
      }));

    it('should require all conditions of runs together, and none that is null', () =>
      onBench(async ({ stores }) => {
        const { id, threadId, assistantId } = await makeRun(stores, alice);
        const other = await makeRun(stores, alice);
        valueOf(await stores.runs.update(alice, id, { metadata: { a: 1 } }));
        const match = { ids: [id], threadId, assistantId, status: ['PENDING'], metadata: { a: 1 } } as const;
        const theirs = { threadId: other.threadId, assistantId: other.assistantId };
        const miss = { ids: [other.id], ...theirs, status: ['ERROR'], metadata: { a: 2 } } as const;
        for (const parent of [{ threadId }, { assistantId }]) {
          expect(
            await misfits<RunFilter>({ ...match, parent }, miss, (filter) =>
              stores.runs.count(alice, filter),
            ),
          ).toStrictEqual([]);
        }
        expect(
          await misfits<RunFilter>(match, miss, (filter) => stores.runs.count(alice, filter)),
        ).toStrictEqual([]);
        for (const parent of [{ threadId: other.threadId }, { assistantId: other.assistantId }]) {
          expect(await stores.runs.count(alice, { ...match, parent })).toBe(0);
          expect(await stores.runs.count(alice, { parent })).toBe(1);
          expect(idsOf(await walk(stores.runs, alice, NEWEST_FIRST, { parent }))).toStrictEqual([other.id]);
          expect(idsOf(await walk(stores.runs, alice, NEWEST_FIRST, parent))).toStrictEqual([other.id]);
        }
      }));

    it.each<[JsonObject, boolean]>([
      [{}, true],
      [{ a: 1 }, true],
      [{ a: 1, s: 'x' }, true],
      [{ a: 1, s: 'y' }, false],
      [{ a: '1' }, false],
      [{ t: true }, true],
      [{ t: 'true' }, false],
      [{ z: null }, true],
      [{ missing: null }, false],
      [{ o: {} }, true],
      [{ o: { x: 1 } }, true],
      [{ o: { x: 1, y: { z: [2] } } }, true],
      [{ o: { y: { z: 2 } } }, false],
      [{ l: [] }, true],
      [{ l: [3, 1, 1] }, true],
      [{ l: [4] }, false],
      [{ l: 1 }, false],
      [{ l: [{ k: 1 }] }, true],
      [{ l: [[2]] }, true],
      [{ l: [2] }, false],
      [{ o: [] }, false],
      [{ l: {} }, false],
      [{ owner: 'alice' }, true],
    ])('should filter by metadata as jsonb @> does: %j', (filter, kept) =>
      onBench(async ({ stores }) => {
        const metadata = {
          a: 1,
          s: 'x',
          t: true,
          z: null,
          o: { x: 1, y: { z: [1, 2] } },
          l: [1, 3, { k: 1 }, [2]],
        };
        for (const resource of RESOURCES) {
          const { id } = valueOf(await resource.create(stores, alice, metadata));
          const found = await walk(resource.of(stores), alice, NEWEST_FIRST, { metadata: filter });
          expect(idsOf(found).includes(id)).toBe(kept);
          expect(await resource.of(stores).count(alice, { metadata: filter })).toBe(found.length);
        }
      }),
    );

    it.each(UNSTORABLE)('should find nothing by metadata that no store can hold: %s', (_, metadata) =>
      onBench(async ({ stores }) => {
        for (const resource of RESOURCES) {
          await resource.create(stores, alice, { a: [{ b: [1] }] });
          expect(await walk(resource.of(stores), alice, NEWEST_FIRST, { metadata })).toStrictEqual([]);
          expect(await resource.of(stores).count(alice, { metadata })).toBe(0);
        }
      }),
    );

    it.each(ODD_NAMES)('should find metadata by the key %s where a record has it, and only there', (key) =>
      onBench(async ({ stores }) => {
        for (const resource of RESOURCES) {
          await resource.create(stores, alice, { a: {} });
          const has = valueOf(
            await resource.create(stores, alice, { ...single(key, 1), a: single(key, {}) }),
          );
          for (const metadata of [single(key, 1), { a: single(key, {}) }]) {
            const found = await walk(resource.of(stores), alice, NEWEST_FIRST, { metadata });
            expect(idsOf(found)).toStrictEqual([has.id]);
          }
          expect(await resource.of(stores).count(alice, { metadata: single(key, {}) })).toBe(0);
          expect(await resource.of(stores).count(alice, { metadata: single(key, null) })).toBe(0);
        }
      }),
    );

    it.each([
      ['Sales bot', 'sales', true],
      ['Sales bot', 'S B', true],
      ['Sales bot', '', true],
      ['Sales bot', 'Sales bot', true],
      ['Sales bot', 'Sales bots', false],
      ['Sales bot', 'SalesBot', false],
      ['Sales bot', '%', false],
      ['Sales bot', '_', false],
      ['Sales bot', 'S%t', false],
      ['Sales bot', 'Sale_', false],
      ['Sales bot', '\\', false],
      ['100% sure', '0% S', true],
      ['100% sure', '\\%', false],
      ['snake_case', 'E_C', true],
      ['snake_case', '\\_', false],
      ['back\\slash', 'K\\S', true],
      ['back\\slash', '\\\\', false],
      ['.*', '.', true],
      ['Sales bot', '.', false],
      ['ÄRGER', 'ärger', true],
      ['Straße', 'STRASSE', true],
      ['ΟΔΟΣ', 'οδος', true],
      ['ΟΔΟΣ', 'οδοσ', true],
      ['привет', 'ПРИВЕТ', true],
      ['😀 smile', '😀 S', true],
      ['😀 smile', '\ud83d', false],
      ['😀 smile', '\ude00', false],
      ['a', 'a\0', false],
    ])('should find in %j the part %j: %j', (name, nameContains, kept) =>
      onBench(async ({ stores }) => {
        const { id } = await makeAssistant(stores, alice, { name });
        await makeAssistant(stores, owner('bob'), { name });
        const found = await walk(stores.assistants, alice, NEWEST_FIRST, { nameContains });
        expect(idsOf(found)).toStrictEqual(kept ? [id] : []);
        expect(await stores.assistants.count(alice, { nameContains })).toBe(kept ? 1 : 0);
      }),
    );

    it.each(['graph', 'GRAPH', 'grap', 'graph ', '', '%', 'graph\0', ...ODD_NAMES])(
      'should take the graph %j as it is written',
      (graphId) =>
        onBench(async ({ stores }) => {
          await makeAssistant(stores, alice, { graphId: 'graph' });
          expect(await stores.assistants.count(alice, { graphId })).toBe(graphId === 'graph' ? 1 : 0);
        }),
    );

    it('should sort names by code point', () =>
      onBench(async ({ stores }) => {
        const sorted = [
          'A',
          'B',
          'a',
          'a ',
          'a!',
          'aa',
          'z',
          'é',
          '\ufb01',
          '\uff5e',
          '😀',
          '😀a',
          '😁',
          '\u{10ffff}',
        ];
        for (const name of sorted.toSorted()) await makeAssistant(stores, alice, { name });
        const names = async (direction: 'ASC' | 'DESC'): Promise<readonly string[]> =>
          (await walk(stores.assistants, alice, { field: 'NAME', direction })).map(({ name }) => name);
        expect(await names('ASC')).toStrictEqual(sorted);
        expect(await names('DESC')).toStrictEqual(sorted.toReversed());
      }));

    it.each(RESOURCES)('should move a changed record in the order by updatedAt: $name', (resource) =>
      onBench(async ({ stores, clock }) => {
        const ids: string[] = [];
        for (let i = 0; i < 3; i++) {
          clock.now += 1;
          ids.push(valueOf(await resource.create(stores, alice)).id);
        }
        const [a = '', b = '', c = ''] = ids;
        const store = resource.of(stores);
        const field = 'UPDATED_AT';
        clock.now += 10;
        await store.update(alice, a, { metadata: { x: 1 } });
        expect(idsOf(await walk(store, alice, { field, direction: 'ASC' }))).toStrictEqual([b, c, a]);
        expect(idsOf(await walk(store, alice, { field, direction: 'DESC' }))).toStrictEqual([a, c, b]);
        expect(idsOf(await walk(store, alice, NEWEST_FIRST))).toStrictEqual([c, b, a]);
      }),
    );
  });
}

/** Every choice of some of the values. */
function subsets<T>(values: readonly T[]): readonly (readonly T[])[] {
  return values.reduce<readonly (readonly T[])[]>(
    (known, value) => [...known, ...known.map((set) => [...set, value])],
    [[]],
  );
}

/** Where a count is not 1 though all conditions hold, or not 0 though one does not. */
async function misfits<Filter extends object>(
  match: Filter,
  miss: Filter,
  count: (filter: Filter) => number | Promise<number>,
): Promise<readonly string[]> {
  const found: string[] = [];
  if ((await count(match)) !== 1) found.push('all');
  for (const [key, value] of Object.entries(miss)) {
    if ((await count({ ...match, [key]: value })) !== 0) found.push(key);
    if ((await count({ ...match, [key]: null })) !== 1) found.push(`${key} null`);
    // Ids may take a way of their own.
    if (key !== 'ids' && (await count({ ...match, ids: null, [key]: value })) !== 0)
      found.push(`${key} alone`);
  }
  return found;
}
