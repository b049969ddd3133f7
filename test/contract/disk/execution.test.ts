import { join } from 'node:path';
import * as fc from 'fast-check';
import { open } from 'lmdb';
import { describe, expect, it } from 'vitest';
import { withChecksum } from '../../../src/store/disk/record-entry.ts';
import { type DiskStoreOptions, openDiskStores } from '../../../src/store/disk/stores.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { StoreError } from '../../../src/store/store-error.ts';
import type { OpenedStores, Stores } from '../../../src/store/stores.ts';
import { type Bench, type Published, START, valueOf } from '../../support/bench.ts';
import { HOUR } from '../../support/hour.ts';
import { cases } from '../../support/random.ts';
import { makeAssistant, makeRun, makeThread } from '../../support/records.ts';
import {
  append,
  claim,
  claimIds,
  claimNew,
  claimOne,
  enqueue,
  eventsOf,
  finish,
  heartbeat,
  lost,
  payloadOf,
  saveCheckpoint,
} from '../../support/worker.ts';
import { OWNERS, Player } from '../execution-model.ts';
import { executionCommands } from '../model/execution-commands.ts';
import { inFolder } from './folder.ts';

const [alice, operator] = [owner('alice'), owner('operator')];
const ALL = { after: 0, limit: 1_000, maxBytes: 1e9 };

/** Opens a folder's stores for as long as it takes. @param time milliseconds since {@link START} */
async function using<T>(
  folder: string,
  use: (stores: Stores, opened: OpenedStores) => Promise<T>,
  time = 0,
  options: DiskStoreOptions = {},
): Promise<T> {
  const opened = await openDiskStores(folder, { now: () => START + time, ...options });
  try {
    return await use(opened.forRequest(), opened);
  } finally {
    await opened.close();
  }
}

/** The keys in one part of a folder's file. */
async function keysIn(folder: string, name: 'records' | 'details' | 'events'): Promise<readonly unknown[]> {
  return withPart(folder, name, async (part) => Array.from(part.getKeys()));
}

async function withPart<T>(
  folder: string,
  name: string,
  work: (part: ReturnType<ReturnType<typeof open<string>>['openDB']>) => Promise<T>,
): Promise<T> {
  const root = open<string>({
    path: join(folder, 'data.mdb'),
    noSubdir: true,
    overlappingSync: false,
    maxDbs: 4,
  });
  try {
    return await work(root.openDB<string>({ name, encoding: 'string' }));
  } finally {
    await root.close();
  }
}

describe('runs on disk that workers execute', () => {
  it('should go on as they were when the stores are opened again, whatever was done', async () => {
    expect.hasAssertions();
    await fc.assert(
      fc.asyncProperty(executionCommands(OWNERS), fc.integer({ min: 1, max: 20 }), (script, every) =>
        inFolder(async (folder) => {
          const clock = { now: START };
          const published: Published[] = [];
          const openAgain = (): Promise<OpenedStores> =>
            openDiskStores(folder, {
              now: () => clock.now,
              publish(of, changes) {
                for (const change of changes) published.push({ owner: of, change, together: changes });
              },
            });
          let opened = await openAgain();
          const bench: Bench = {
            get stores() {
              return opened.forRequest();
            },
            sweep: async () => opened.sweep(),
            pass: async () => {},
            clock,
            published,
            appended: [],
            ready: [],
          };
          const player = new Player(bench);
          await player.begin();
          for (const [index, command] of script.entries()) {
            await player.play(command);
            if (index % every > 0) continue;
            await opened.close();
            opened = await openAgain();
          }
          expect(await player.drain()).not.toContain('RUNNING');
          await opened.close();
        }),
      ),
      { numRuns: cases({ some: 15, all: 100 }) },
    );
  });

  it('should keep leases, with who holds them, how long, and what is to be cancelled', () =>
    inFolder(async (folder) => {
      const { given, released } = await using(folder, async (stores) => {
        await enqueue(stores, alice);
        const first = await claimOne(stores, operator, { allOwners: true, leaseSeconds: 60, name: 'w' });
        await append(stores, operator, first.lease, 0, ['A', 'B']);
        await stores.runs.cancel(alice, first.run.id, 'ROLLBACK');
        const second = await claimNew(stores, alice);
        await stores.queue.release(alice, [second.lease]);
        return { given: first, released: second };
      });
      await using(
        folder,
        async (stores) => {
          expect(await stores.runs.get(alice, given.run.id)).toMatchObject({ worker: 'w', attempt: 1 });
          expect(await heartbeat(stores, alice, given.lease)).toStrictEqual(lost(given.lease));
          expect(await append(stores, operator, given.lease, 0, ['A', 'B', 'C'])).toStrictEqual({
            lease: given.lease,
            held: true,
            leaseSeconds: 60,
            cancel: 'ROLLBACK',
            storedEvents: 3,
          });
          const again = await claimOne(stores, alice);
          expect(again.run).toMatchObject({ id: released.run.id, attempt: 1 });
          expect(await heartbeat(stores, alice, released.lease)).toStrictEqual(lost(released.lease));
        },
        14_000,
      );
      await using(
        folder,
        async (stores, { sweep }) => {
          await sweep();
          expect(await stores.runs.get(alice, given.run.id)).toMatchObject({ status: 'CANCELLED' });
          expect(await stores.runs.get(alice, released.run.id)).toMatchObject({ worker: 'worker' });
          expect(await eventsOf(stores, alice, given.run.id)).toStrictEqual([
            '1 1 RUN_STARTED',
            '2 1 A',
            '3 1 B',
            '4 1 C',
            '5 1 RUN_FINISHED',
          ]);
        },
        15_000,
      );
    }));

  it('should do what became due while nothing was open', () =>
    inFolder(async (folder) => {
      const ids = await using(folder, async (stores) => {
        const held = await claimNew(stores, alice, { maxAttempts: 2 });
        const late = await claimNew(stores, alice, { timeoutSeconds: 10 });
        const last = await claimNew(stores, alice, { maxAttempts: 1 });
        const delayed = await enqueue(stores, alice, { delaySeconds: 60 });
        return { held: held.run.id, late: late.run.id, last: last.run.id, delayed: delayed.id };
      });
      await using(
        folder,
        async (stores, { sweep }) => {
          await sweep();
          expect(await stores.runs.get(alice, ids.held)).toMatchObject({ status: 'RUNNING', worker: null });
          expect(await stores.runs.get(alice, ids.late)).toMatchObject({ status: 'TIMEOUT' });
          expect(await stores.runs.get(alice, ids.last)).toMatchObject({
            error: { code: 'ATTEMPTS_EXHAUSTED' },
          });
          expect(await claimIds(stores, alice)).toStrictEqual([ids.delayed]);
        },
        60_000,
      );
    }));

  it('should keep the order in which they wait, and that they are delayed', () =>
    inFolder(async (folder) => {
      const made = await using(folder, async (stores) => {
        const { id: threadId } = await makeThread(stores, alice);
        const { id: assistantId } = await makeAssistant(stores, alice);
        const parents = { threadId, assistantId };
        const begun = await claimNew(stores, alice, parents);
        await stores.queue.release(alice, [begun.lease]);
        const [second, third] = [
          await enqueue(stores, alice, parents),
          await enqueue(stores, alice, parents),
        ];
        const delayed = await enqueue(stores, alice, { assistantId, delaySeconds: 30 });
        return { first: begun.run.id, second: second.id, third: third.id, delayed: delayed.id };
      });
      const ready: string[] = [];
      const options = { onReady: (_: unknown, graphId: string) => void ready.push(graphId) };
      for (const [time, expected] of [
        [0, [made.first]],
        [1, [made.second]],
        [30_000, [made.third, made.delayed]],
      ] as const) {
        await using(
          folder,
          async (stores, { sweep }) => {
            await sweep();
            const given = await claim(stores, alice, { max: 50 });
            expect(given.map(({ run }) => run.id)).toStrictEqual(expected);
            for (const { lease } of given) await finish(stores, alice, lease);
          },
          time,
          options,
        );
      }
      expect(ready.length).toBeGreaterThan(3);
    }));

  it('should keep payloads, ends that were reported, and keys', () =>
    inFolder(async (folder) => {
      const before = await using(folder, async (stores) => {
        const { lease, run } = await claimNew(stores, alice, { input: { n: 1 } });
        await saveCheckpoint(stores, alice, lease, { n: 2 });
        await finish(stores, alice, lease, { output: { n: 3 } });
        const second = await claimNew(stores, alice, { threadId: run.threadId });
        await saveCheckpoint(stores, alice, second.lease, { n: 4 });
        await stores.queue.release(alice, [second.lease]);
        const thread = valueOf(
          await stores.threads.create(alice, { metadata: { a: 1 }, idempotencyKey: 'k' }),
        );
        return { lease, run, second, thread };
      });
      await using(folder, async (stores) => {
        const { id } = before.run;
        expect(await payloadOf(stores, alice, id, 'input')).toStrictEqual({ n: 1 });
        expect(await payloadOf(stores, alice, id, 'checkpoint')).toStrictEqual({ n: 2 });
        expect(await payloadOf(stores, alice, id, 'output')).toStrictEqual({ n: 3 });
        const end = { output: { n: 3 } };
        expect(await finish(stores, alice, before.lease, end)).toStrictEqual({
          accepted: true,
          status: 'SUCCESS',
        });
        expect(await claimOne(stores, alice)).toMatchObject({
          run: { id: before.second.run.id },
          values: '{"n":3}',
          checkpoint: '{"n":4}',
        });
        const { threads } = stores;
        expect(await threads.create(alice, { metadata: { a: 1 }, idempotencyKey: 'k' })).toStrictEqual({
          value: before.thread,
          replayed: true,
        });
        await threads.delete(alice, before.thread.id);
      });
      await using(folder, async ({ threads }) => {
        expect(await threads.create(alice, { idempotencyKey: 'k' })).toMatchObject({ replayed: false });
      });
    }));

  it('should lose their events when their time is over, also what ended before the stores were opened', () =>
    inFolder(async (folder) => {
      const { ended, active } = await using(folder, async (stores) => {
        const first = await claimNew(stores, alice);
        await append(stores, alice, first.lease, 0, ['A']);
        await finish(stores, alice, first.lease);
        return { ended: first.run.id, active: (await claimNew(stores, alice)).run.id };
      });
      const retention = { eventRetention: HOUR };
      await using(
        folder,
        async (stores, { sweep }) => {
          await sweep();
          expect(await eventsOf(stores, alice, ended)).toHaveLength(3);
        },
        HOUR - 1,
        retention,
      );
      for (let time = 0; time < 2; time++) {
        await using(
          folder,
          async (stores, { sweep }) => {
            await sweep();
            expect(await stores.runs.events(alice, ended, ALL)).toMatchObject({
              events: [],
              missedUpTo: 3,
              lastSeq: 3,
            });
          },
          HOUR,
          retention,
        );
      }
      const left = await keysIn(folder, 'events');
      expect(left).toStrictEqual([[alice, active, 1]]);
    }));

  it('should leave nothing in the file when they are deleted', () =>
    inFolder(async (folder) => {
      await using(folder, async (stores) => {
        const { id: threadId } = await makeThread(stores, alice);
        const { id: assistantId } = await makeAssistant(stores, alice);
        const input = { threadId, assistantId, input: { a: 1 }, idempotencyKey: 'k' };
        const { lease, run } = await claimNew(stores, alice, input);
        await saveCheckpoint(stores, alice, lease, { a: 1 });
        await append(stores, alice, lease, 0, ['A']);
        await finish(stores, alice, lease, { output: {} });
        await claimNew(stores, alice, { threadId, assistantId });
        await stores.runs.delete(alice, run.id);
      });
      expect(await keysIn(folder, 'events')).toHaveLength(1);
      await using(folder, async (stores) => {
        for (const { id } of (
          await stores.threads.list(alice, { orderBy: { field: 'CREATED_AT', direction: 'ASC' } })
        ).items) {
          await stores.threads.delete(alice, id);
        }
      });
      for (const part of ['details', 'events'] as const) expect(await keysIn(folder, part)).toStrictEqual([]);
    }));

  it('should have nothing besides their record where no worker has had them', () =>
    inFolder(async (folder) => {
      await using(folder, async (stores) => {
        await makeRun(stores, alice, {}, 'SUCCESS');
        const { id } = await makeRun(stores, alice, {}, 'RUNNING');
        await stores.runs.cancel(alice, id, 'INTERRUPT');
      });
      expect(await keysIn(folder, 'details')).toStrictEqual([]);
      expect(await keysIn(folder, 'events')).toStrictEqual([]);
    }));

  it.each([
    ['a checksum that is wrong', 'execution', 'xxxxxxxx{}'],
    ['an execution that is none', 'execution', withChecksum('{}')],
    ['an idempotency key that is none', 'key', withChecksum('[]')],
    ['a payload with a wrong checksum', 'output', '00000000{"a":1}'],
    ['a detail of another kind', 'other', withChecksum('{}')],
  ])('should be refused with %s', (_, kind, text) =>
    inFolder(async (folder) => {
      const id = await using(folder, async (stores) => (await claimNew(stores, alice)).run.id);
      await withPart(folder, 'details', (part) => part.put([alice, kind, id], text));
      await expect(using(folder, async () => {})).rejects.toThrow(StoreError);
      await expect(using(folder, async () => {})).rejects.toThrow('is damaged');
    }),
  );
});
