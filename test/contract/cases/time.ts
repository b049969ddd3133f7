import { describe, expect, it } from 'vitest';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { type OnBench, refusalsOf, START, valueOf } from '../../support/bench.ts';
import { ODD_NAMES } from '../../support/json-samples.ts';
import { existing, makeAssistant, makeRun, makeThread, moveRun, RESOURCES } from '../../support/records.ts';
import { idsOf, NEWEST_FIRST, walk } from '../../support/walk.ts';

const alice = owner('alice');
const OLDEST_FIRST = { field: 'CREATED_AT', direction: 'ASC' } as const;
const UUID_V4 = /^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$/;

/** Ids, `createdAt` and `updatedAt`. */
export function testTime(onBench: OnBench): void {
  describe('ids and time', () => {
    it.each(RESOURCES)('should make UUIDs v4 of its own: $name', (resource) =>
      onBench(async ({ stores }) => {
        const ids = new Set<string>();
        for (let i = 0; i < 50; i++) ids.add(valueOf(await resource.create(stores, alice)).id);
        expect(ids.size).toBe(50);
        for (const id of ids) expect(id).toMatch(UUID_V4);
      }),
    );

    it.each(RESOURCES)('should list what was created in one millisecond in that order: $name', (resource) =>
      onBench(async ({ stores, clock }) => {
        const ids: string[] = [];
        for (let i = 0; i < 60; i++) {
          if (i === 30) clock.now += 1;
          ids.push(valueOf(await resource.create(stores, alice)).id);
        }
        expect(idsOf(await walk(resource.of(stores), alice, OLDEST_FIRST))).toStrictEqual(ids);
        // Ids that follow each other are not to be guessed.
        expect(new Set(ids.map((id) => id.slice(17))).size).toBe(60);
      }),
    );

    it.each(RESOURCES)('should answer for what is no id as for an unknown one: $name', (resource) =>
      onBench(async ({ stores }) => {
        const { id } = valueOf(await resource.create(stores, alice));
        const dashed = [0, 8, 12, 16, 20].map((from, i, all) => id.slice(from, all[i + 1])).join('-');
        const odd = ['', ' ', `${id} `, `${id}0`, id.slice(1), id.toUpperCase(), dashed, `{${dashed}}`];
        const odder = ['x'.repeat(100_000), '\0', '\ud800', `${id}\0`, 'null', '%', "'", ...ODD_NAMES];
        const store = resource.of(stores);
        for (const other of [...odd, ...odder]) {
          expect(await store.get(alice, other)).toBeNull();
          expect(await store.getMany(alice, [other, id, other])).toMatchObject([null, { id }, null]);
          expect(await store.update(alice, other, { metadata: { a: 1 } })).toStrictEqual({ value: null });
          expect(await store.delete(alice, other)).toStrictEqual({ value: null });
          expect(await walk(store, alice, NEWEST_FIRST, { ids: [other] })).toStrictEqual([]);
          expect(await store.count(alice, { ids: [other, id] })).toBe(1);
          expect(await stores.runs.count(alice, { threadId: other })).toBe(0);
          expect(await stores.runs.count(alice, { parent: { assistantId: other } })).toBe(0);
          const created = await stores.runs.create(alice, { threadId: other, assistantId: other });
          expect(refusalsOf(created)).toStrictEqual(['NOT_FOUND assistantId', 'NOT_FOUND threadId']);
        }
      }),
    );

    it.each(RESOURCES)(
      'should stamp a new record with the time, in UTC with milliseconds: $name',
      (resource) =>
        onBench(async ({ stores, clock }) => {
          const first = valueOf(await resource.create(stores, alice));
          expect(first).toMatchObject({
            createdAt: '2026-01-02T03:04:05.678Z',
            updatedAt: '2026-01-02T03:04:05.678Z',
          });
          clock.now = Date.parse('2027-01-01T00:00:00Z');
          const second = valueOf(await resource.create(stores, alice));
          expect(second).toMatchObject({
            createdAt: '2027-01-01T00:00:00.000Z',
            updatedAt: '2027-01-01T00:00:00.000Z',
          });
        }),
    );

    it.each(RESOURCES)(
      'should move updatedAt on every change, whatever the clock does, and createdAt on none: $name',
      (resource) =>
        onBench(async ({ stores, clock }) => {
          const created = valueOf(await resource.create(stores, alice));
          let last = created.updatedAt;
          for (const [step, moved] of [0, 0, 5, -60_000, 0, 120_000].entries()) {
            clock.now += moved;
            const outcome = await resource.of(stores).update(alice, created.id, { metadata: { step } });
            const { createdAt, updatedAt } = existing(valueOf(outcome));
            expect(createdAt).toBe(created.createdAt);
            expect(Date.parse(updatedAt)).toBeGreaterThan(Date.parse(last));
            expect(Date.parse(updatedAt)).toBeGreaterThanOrEqual(clock.now);
            expect(await resource.of(stores).get(alice, created.id)).toStrictEqual(valueOf(outcome));
            last = updatedAt;
          }
          expect(Date.parse(last)).toBe(clock.now);
        }),
    );

    it.each(RESOURCES.filter(({ name }) => name !== 'assistant'))(
      'should leave updatedAt where an update changes nothing: $name',
      (resource) =>
        onBench(async ({ stores, clock, published }) => {
          const metadata = { a: { b: [1, null, 'x'] }, n: null, '': 0 };
          const created = valueOf(await resource.create(stores, alice, metadata));
          clock.now += 1_000;
          published.length = 0;
          const updates = [{}, { metadata: {} }, { metadata: { a: { b: [1, null, 'x'] } } }];
          const more = [
            { metadata: { gone: null } },
            { metadata: { owner: 'bob' } },
            { metadata: { '': -0 } },
          ];
          for (const update of [...updates, ...more]) {
            const outcome = await resource.of(stores).update(alice, created.id, update);
            expect(valueOf(outcome)).toStrictEqual(created);
          }
          expect(await resource.of(stores).get(alice, created.id)).toStrictEqual(created);
          expect(published).toStrictEqual([]);
        }),
    );

    it("should move a thread's updatedAt with its derived status, and only then", () =>
      onBench(async ({ stores, clock }) => {
        const thread = await makeThread(stores, alice);
        const at = async (): Promise<number> =>
          Date.parse(existing(await stores.threads.get(alice, thread.id)).updatedAt) - START;
        clock.now += 10;
        const run = await makeRun(stores, alice, { threadId: thread.id });
        expect(await at()).toBe(10);
        clock.now += 10;
        await moveRun(stores, alice, run.id, 'RUNNING');
        await makeRun(stores, alice, { threadId: thread.id }, 'CANCELLED');
        expect(await at()).toBe(10);
        await moveRun(stores, alice, run.id, 'ERROR');
        expect(await at()).toBe(20);
        clock.now -= 15;
        await stores.runs.delete(alice, run.id);
        expect(await at()).toBe(21);
      }));

    it('should sort by time, then by id, both in the direction of the order', () =>
      onBench(async ({ stores, clock }) => {
        const made: { id: string; createdAt: string }[] = [];
        for (let i = 0; i < 30; i++) {
          clock.now = START + ((i % 3) - 1) * 1_000;
          made.push(await makeAssistant(stores, alice));
        }
        const ascending = made.toSorted((a, b) =>
          a.createdAt === b.createdAt ? (a.id < b.id ? -1 : 1) : a.createdAt < b.createdAt ? -1 : 1,
        );
        const { assistants } = stores;
        const oldest = await walk(assistants, alice, { field: 'CREATED_AT', direction: 'ASC' });
        expect(idsOf(oldest)).toStrictEqual(idsOf(ascending));
        expect(idsOf(await walk(assistants, alice, NEWEST_FIRST))).toStrictEqual(
          idsOf(ascending.toReversed()),
        );
      }));
  });
}
