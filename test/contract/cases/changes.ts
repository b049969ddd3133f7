import { describe, expect, it } from 'vitest';
import type { Change } from '../../../src/store/change.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { type OnBench, type Published, valueOf } from '../../support/bench.ts';
import { existing, makeAssistant, makeRun, makeThread, moveRun, RESOURCES } from '../../support/records.ts';
import { NEWEST_FIRST, walk } from '../../support/walk.ts';

const alice = owner('alice');

/** The changes that a store tells of. */
export function testChanges(onBench: OnBench): void {
  describe('changes', () => {
    it.each(RESOURCES)('should show a record as it was and as it is: $name', (resource) =>
      onBench(async ({ stores, published, clock }) => {
        const store = resource.of(stores);
        const created = valueOf(await resource.create(stores, alice, { a: 1 }));
        if (resource.name === 'run') await stores.runs.update(alice, created.id, { status: 'SUCCESS' });
        const first = existing(await store.get(alice, created.id));
        clock.now += 1;
        const second = valueOf(await store.update(alice, created.id, { metadata: { b: 2 } }));
        const third = valueOf(await store.update(alice, created.id, { metadata: { b: 3 } }));
        await store.delete(alice, created.id);
        const of = changesOf(published, resource.name).filter(({ before }) => before !== null);
        expect(of.slice(-3)).toStrictEqual([
          { resource: resource.name, before: first, after: second },
          { resource: resource.name, before: second, after: third },
          { resource: resource.name, before: third, after: null },
        ]);
        expect(changesOf(published, resource.name)[0]).toStrictEqual({
          resource: resource.name,
          before: null,
          after: created,
        });
        expect(published.every((told) => told.owner === alice)).toBe(true);
      }),
    );

    it('should tell of each update of an assistant, also of one that names no field', () =>
      onBench(async ({ stores, published }) => {
        const first = await makeAssistant(stores, alice);
        const second = valueOf(await stores.assistants.update(alice, first.id, {}));
        const third = valueOf(await stores.assistants.update(alice, first.id, { name: 'Untitled' }));
        expect(published.slice(1).map(({ change }) => change)).toStrictEqual([
          { resource: 'assistant', before: first, after: second },
          { resource: 'assistant', before: second, after: third },
        ]);
      }));

    it('should tell of a thread when a run changes its status, and only then', () =>
      onBench(async ({ stores, published }) => {
        const thread = await makeThread(stores, alice);
        const { id: assistantId } = await makeAssistant(stores, alice);
        published.length = 0;
        const run = await makeRun(stores, alice, { threadId: thread.id, assistantId });
        await moveRun(stores, alice, run.id, 'RUNNING');
        await moveRun(stores, alice, run.id, 'RUNNING');
        const second = await makeRun(stores, alice, { threadId: thread.id, assistantId }, 'SUCCESS');
        await moveRun(stores, alice, run.id, 'ERROR');
        await stores.runs.delete(alice, second.id);
        await stores.runs.delete(alice, run.id);
        const told = changesOf(published, 'thread');
        const statuses = told.map(({ before, after }) => [statusOf(before), statusOf(after)]);
        expect(statuses).toStrictEqual([
          ['IDLE', 'BUSY'],
          ['BUSY', 'ERROR'],
          ['ERROR', 'IDLE'],
        ]);
        expect(told.at(0)?.before).toStrictEqual(thread);
        expect(told.at(-1)?.after).toStrictEqual(await stores.threads.get(alice, thread.id));
        expect(told.slice(1).map(({ before }) => before)).toStrictEqual(
          told.slice(0, -1).map(({ after }) => after),
        );
        expect(changesOf(published, 'run')).toHaveLength(7);
        expect(changesOf(published, 'assistant')).toHaveLength(0);
      }));

    it('should tell of each run that goes with its thread, once, as it was', () =>
      onBench(async ({ stores, published }) => {
        const { id: threadId } = await makeThread(stores, alice);
        const { id: assistantId } = await makeAssistant(stores, alice);
        await makeRun(stores, alice, { threadId, assistantId }, 'RUNNING');
        await makeRun(stores, alice, { threadId, assistantId }, 'ERROR');
        await makeRun(stores, alice, { threadId, assistantId });
        await makeRun(stores, alice, { assistantId });
        const runs = await walk(stores.runs, alice, NEWEST_FIRST, { threadId });
        const thread = await stores.threads.get(alice, threadId);
        published.length = 0;
        await stores.threads.delete(alice, threadId);
        expect(published).toHaveLength(4);
        expect(changesOf(published, 'thread')).toStrictEqual([
          { resource: 'thread', before: thread, after: null },
        ]);
        const told = changesOf(published, 'run');
        for (const run of runs) expect(told).toContainEqual({ resource: 'run', before: run, after: null });
      }));

    it('should be told together when they are of one mutation', () =>
      onBench(async ({ stores, published }) => {
        const { threadId } = await makeRun(stores, alice, {}, 'SUCCESS');
        const { assistantId } = await makeRun(stores, alice, { threadId });
        expect(resourcesTold(published)).toEqual([
          'thread',
          'assistant',
          'run+thread',
          'run+thread',
          'assistant',
          'run+thread',
        ]);
        published.length = 0;
        await stores.threads.delete(alice, threadId);
        expect(resourcesTold(published)).toEqual(['run+run+thread']);
        published.length = 0;
        await stores.assistants.delete(alice, assistantId);
        expect(resourcesTold(published)).toEqual(['assistant']);
      }));

    it('should be told after they are stored, with all of their mutation', async () => {
      // What a subscriber reads as it hears of a change; the stores are known only once they are open.
      const reads: Promise<unknown>[] = [];
      await onBench(async ({ stores, published }) => {
        const { threadId, id } = await makeRun(stores, alice);
        published.push = () => {
          // Both at once: a store that answers at once shows what is stored at this very moment.
          reads.push(Promise.all([stores.runs.get(alice, id), stores.threads.get(alice, threadId)]));
          return 0;
        };
        await moveRun(stores, alice, id, 'ERROR');
        const run = await stores.runs.get(alice, id);
        const thread = await stores.threads.get(alice, threadId);
        expect(run).toMatchObject({ status: 'ERROR' });
        expect(thread).toMatchObject({ status: 'ERROR' });
        expect(await Promise.all(reads)).toStrictEqual([
          [run, thread],
          [run, thread],
        ]);
      });
    });
  });
}

function changesOf(published: readonly Published[], resource: Change['resource']): readonly Change[] {
  return published.map(({ change }) => change).filter((change) => change.resource === resource);
}

/** What was told at once, each time: its resources in alphabetical order. */
function resourcesTold(published: readonly Published[]): readonly string[] {
  return [...new Set(published.map(({ together }) => together))].map((changes) =>
    changes
      .map(({ resource }) => resource)
      .toSorted()
      .join('+'),
  );
}

function statusOf(record: Change['after']): string | null {
  return record !== null && 'status' in record ? record.status : null;
}
