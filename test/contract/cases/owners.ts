import { describe, expect, it } from 'vitest';
import type { MaybePromise } from '../../../src/lib/maybe-promise.ts';
import type { Owner } from '../../../src/store/owner.ts';
import type { Page } from '../../../src/store/query.ts';
import type { RunStatus } from '../../../src/store/records.ts';
import type { Stores } from '../../../src/store/stores.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { call, type OnBench, valueOf } from '../../support/bench.ts';
import { GARBAGE, nested, ODD_NAMES, sized } from '../../support/json-samples.ts';
import { existing, makeAssistant, makeRun, makeThread, RESOURCES } from '../../support/records.ts';
import { everythingOf, idsOf, NEWEST_FIRST, walk } from '../../support/walk.ts';

const alice = owner('alice');
const bob = owner('bob');
const UNKNOWN_ID = '0123456789ab4cde8f0123456789abcd';

/** Every call that takes an id, in every place where it takes one. */
const CALLS: Readonly<Record<string, (stores: Stores, as: Owner, id: string) => MaybePromise<unknown>>> = {
  ...callsOfEach(),
  'assistants.update': ({ assistants }, as, id) => assistants.update(as, id, { name: 'Mine' }),
  'assistants.update, refused': ({ assistants }, as, id) => assistants.update(as, id, { name: ' ' }),
  'runs.update to each status': async ({ runs }, as, id) => {
    const statuses: RunStatus[] = ['PENDING', 'RUNNING', 'SUCCESS', 'CANCELLED'];
    const answers: unknown[] = [];
    for (const status of statuses) answers.push(await runs.update(as, id, { status }));
    return answers;
  },
  'runs.update, refused': ({ runs }, as, id) => runs.update(as, id, { status: null }),
  'runs.create on a thread': async (stores, as, id) =>
    stores.runs.create(as, { threadId: id, assistantId: await anAssistant(stores, as) }),
  'runs.create of an assistant': async (stores, as, id) =>
    stores.runs.create(as, { threadId: await aThread(stores, as), assistantId: id }),
  'runs.create of both': ({ runs }, as, id) => runs.create(as, { threadId: id, assistantId: id }),
  'runs.create, refused': ({ runs }, as, id) =>
    runs.create(as, { threadId: id, assistantId: id, metadata: nested(33) }),
  'runs.list on a thread': ({ runs }, as, id) => seen(runs.list(as, { filter: { threadId: id }, ...PAGE })),
  'runs.list of an assistant': ({ runs }, as, id) =>
    seen(runs.list(as, { filter: { assistantId: id }, ...PAGE })),
  'runs.list of a parent thread': ({ runs }, as, id) =>
    seen(runs.list(as, { filter: { parent: { threadId: id } }, ...PAGE })),
  'runs.list of a parent assistant': ({ runs }, as, id) =>
    seen(runs.list(as, { filter: { parent: { assistantId: id } }, ...PAGE })),
  'runs.count on a thread': ({ runs }, as, id) => runs.count(as, { threadId: id }),
  'runs.count of an assistant': ({ runs }, as, id) => runs.count(as, { assistantId: id }),
  'runs.count of a parent thread': ({ runs }, as, id) => runs.count(as, { parent: { threadId: id } }),
  'runs.count of a parent assistant': ({ runs }, as, id) => runs.count(as, { parent: { assistantId: id } }),
};

const PAGE = { orderBy: NEWEST_FIRST };

/** A resource belongs to its owner, and to others it is not there. */
export function testOwners(onBench: OnBench): void {
  describe('owners', () => {
    it("should take another owner's id for an unknown one in every call, and leave that owner's records alone", () =>
      onBench(async ({ stores, published, clock }) => {
        const hers = await furnish(stores, alice);
        const his = await furnish(stores, bob);
        clock.now += 1;
        const before = await everythingOf(stores, bob);
        const own = await everythingOf(stores, alice);
        published.length = 0;
        for (const [name, run] of Object.entries(CALLS)) {
          const unknown = await call(() => run(stores, alice, UNKNOWN_ID));
          for (const id of [...his, ...his.map((foreign) => foreign.toUpperCase())]) {
            expect({ name, answer: await call(() => run(stores, alice, id)) }).toStrictEqual({
              name,
              answer: unknown,
            });
          }
          const after = { his: await everythingOf(stores, bob), hers: await everythingOf(stores, alice) };
          expect({ name, ...after }).toStrictEqual({ name, his: before, hers: own });
        }
        expect(published).toStrictEqual([]);
        expect(idsOf(Object.values(own).flat()).toSorted()).toStrictEqual(hers.toSorted());
      }));

    it.each(RESOURCES)("should show an owner's $name to that owner alone", (resource) =>
      onBench(async ({ stores }) => {
        const record = valueOf(await resource.create(stores, alice));
        const store = resource.of(stores);
        expect(await store.get(alice, record.id)).toStrictEqual(record);
        expect(await store.get(bob, record.id)).toBeNull();
        expect(await store.getMany(bob, [record.id, UNKNOWN_ID])).toStrictEqual([null, null]);
        expect(await store.count(bob)).toBe(0);
        expect(await walk(store, bob, NEWEST_FIRST)).toStrictEqual([]);
      }),
    );

    it.each(RESOURCES)('should find an owner by no metadata filter but its own: $name', (resource) =>
      onBench(async ({ stores }) => {
        const store = resource.of(stores);
        const his = valueOf(await resource.create(stores, bob, { a: 1 }));
        const hers = valueOf(await resource.create(stores, alice, { a: 1, owner: 'bob' }));
        const found = async (as: Owner, filter: object): Promise<readonly string[]> =>
          idsOf(await walk(store, as, NEWEST_FIRST, { metadata: { ...filter } }));
        expect(await found(alice, { owner: 'bob' })).toStrictEqual([]);
        expect(await found(alice, { owner: 'bob', a: 1 })).toStrictEqual([]);
        expect(await found(alice, { owner: 'alice', a: 1 })).toStrictEqual([hers.id]);
        expect(await found(bob, { owner: 'bob' })).toStrictEqual([his.id]);
        expect(await store.count(alice, { metadata: { owner: 'bob' } })).toBe(0);
        for (const [, garbage] of GARBAGE) {
          expect(await store.count(alice, { metadata: { owner: garbage } })).toBe(0);
        }
      }),
    );

    it.each(
      RESOURCES.flatMap((resource) => GARBAGE.map(([what, garbage]) => ({ ...resource, what, garbage }))),
    )('should overwrite $what as the owner of the metadata: $name', (resource) =>
      onBench(async ({ stores }) => {
        const metadata = { a: 1, owner: resource.garbage };
        const created = valueOf(await resource.create(stores, alice, metadata));
        expect(created.metadata).toStrictEqual({ a: 1, owner: 'alice' });
        const changed = await resource.of(stores).update(alice, created.id, {
          metadata: { b: 2, owner: resource.garbage },
        });
        expect(valueOf(changed)?.metadata).toStrictEqual({ a: 1, b: 2, owner: 'alice' });
        const stored = await resource.of(stores).get(alice, created.id);
        expect(stored).toStrictEqual(valueOf(changed));
      }),
    );

    it('should leave the owner out of the size of metadata', () =>
      onBench(async ({ stores }) => {
        const long = owner('😀'.repeat(255));
        const thread = await makeThread(stores, long, { ...sized(65_536), owner: 'x'.repeat(65_536) });
        expect(thread.metadata).toStrictEqual({ ...sized(65_536), owner: long });
        expect(
          valueOf(await stores.threads.update(long, thread.id, { metadata: { a: null } }))?.metadata,
        ).toEqual({
          owner: long,
        });
      }));

    it('should tell owners apart however alike or odd they are', () =>
      onBench(async ({ stores, published }) => {
        const names = [
          ...ODD_NAMES,
          'Alice',
          'alice',
          'alice ',
          ' alice',
          'é',
          'e\u0301',
          'a"\\b',
          'a%',
          'ß',
          'ss',
        ];
        const owners = names.map(owner);
        for (const one of owners) {
          const { id, threadId, assistantId } = await makeRun(stores, one);
          for (const [resource, own] of [
            [stores.runs, id],
            [stores.threads, threadId],
            [stores.assistants, assistantId],
          ] as const) {
            expect(await resource.count(one)).toBe(1);
            expect((await resource.get(one, own))?.metadata).toStrictEqual({ owner: one });
            const shown = await Promise.all(
              owners.map(async (other) => (await resource.get(other, own)) !== null),
            );
            expect(owners.filter((_, index) => shown[index])).toStrictEqual([one]);
          }
        }
        // An assistant, a thread, a run and the thread again, which is busy now.
        expect(published.map(({ owner: told }) => told)).toStrictEqual(
          owners.flatMap((one) => [one, one, one, one]),
        );
      }));
  });
}

function callsOfEach(): typeof CALLS {
  const calls: Record<string, (stores: Stores, as: Owner, id: string) => MaybePromise<unknown>> = {};
  for (const { name, of } of RESOURCES) {
    calls[`${name}.get`] = (stores, as, id) => of(stores).get(as, id);
    calls[`${name}.getMany`] = (stores, as, id) => of(stores).getMany(as, [id, id]);
    calls[`${name}.list`] = (stores, as, id) => seen(of(stores).list(as, { filter: { ids: [id] }, ...PAGE }));
    calls[`${name}.count`] = (stores, as, id) => of(stores).count(as, { ids: [id] });
    calls[`${name}.update nothing`] = (stores, as, id) => of(stores).update(as, id, {});
    calls[`${name}.update`] = (stores, as, id) => of(stores).update(as, id, { metadata: { mine: true } });
    calls[`${name}.update, too large`] = (stores, as, id) =>
      of(stores).update(as, id, { metadata: sized(65_537) });
    calls[`${name}.update, refused`] = (stores, as, id) => of(stores).update(as, id, { metadata: null });
    calls[`${name}.delete`] = (stores, as, id) => of(stores).delete(as, id);
  }
  return calls;
}

/** Gives an owner some of everything: a busy thread, an idle one, a failed one, and their runs. */
async function furnish(stores: Stores, one: Owner): Promise<readonly string[]> {
  const active = await makeRun(stores, one);
  const ended = await makeRun(stores, one, {}, 'ERROR');
  const idle = await makeThread(stores, one);
  const spare = await makeAssistant(stores, one);
  return [active, ended]
    .flatMap(({ id, threadId, assistantId }) => [id, threadId, assistantId])
    .concat(idle.id, spare.id);
}

async function aThread({ threads }: Stores, one: Owner): Promise<string> {
  return existing((await walk(threads, one, NEWEST_FIRST)).at(0)).id;
}

async function anAssistant({ assistants }: Stores, one: Owner): Promise<string> {
  return existing((await walk(assistants, one, NEWEST_FIRST)).at(0)).id;
}

/** A page without its cursors, which differ from list to list. */
async function seen(page: MaybePromise<Page<unknown>>): Promise<object> {
  const { items, hasNextPage, hasPreviousPage } = await page;
  return { items, hasNextPage, hasPreviousPage };
}
