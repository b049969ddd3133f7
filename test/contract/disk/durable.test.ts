// Not `expect`: to its `toStrictEqual`, a key named `constructor` is the object's class.
import { deepStrictEqual } from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDurableStores } from '../../../src/store/disk/durable-stores.ts';
import type { Mutation } from '../../../src/store/detail.ts';
import { Journal, type OwnedMutation } from '../../../src/store/disk/journal.ts';
import { Database, type DatabaseOptions } from '../../../src/store/memory/database.ts';
import { MemoryEventLog } from '../../../src/store/memory/event-log.ts';
import { findInconsistency } from '../../../src/store/memory/find-inconsistency.ts';
import { createStores } from '../../../src/store/memory/stores.ts';
import { asOwner as owner, type Owner } from '../../../src/store/owner.ts';
import { createCursors } from '../../../src/store/rules/cursor.ts';
import { createLeaseTokens } from '../../../src/store/rules/lease-token.ts';
import type { Stores } from '../../../src/store/stores.ts';
import { StoreUnavailable } from '../../../src/store/unavailable.ts';
import { type Bench, call, type Published, refusalsOf, START, valueOf } from '../../support/bench.ts';
import { HOUR } from '../../support/hour.ts';
import { OWNERS as PLAYERS, Player } from '../execution-model.ts';
import { executionCommands } from '../model/execution-commands.ts';
import { histories, OWNERS } from './histories.ts';
import { ModelStores } from '../model/model-stores.ts';
import { runCommand } from '../model/run-command.ts';
import { existing, makeAssistant, makeRun, makeThread, moveRun } from '../../support/records.ts';
import { cases } from '../../support/random.ts';
import { everythingOf, NEWEST_FIRST, walk } from '../../support/walk.ts';
import {
  append,
  claim,
  claimNew,
  claimOne,
  enqueue,
  finish,
  heartbeat,
  saveCheckpoint,
} from '../../support/worker.ts';

const alice = owner('alice');
const UNKNOWN = '0123456789ab4cde8f0123456789abcd';

/** A database that tells of its mutations. */
function databaseOf(publish: DatabaseOptions['publish'], now = () => START): Database {
  return new Database({
    publish,
    onReady: () => {},
    onLeaseLost: () => {},
    cursors: createCursors(Buffer.alloc(32)),
    tokens: createLeaseTokens(Buffer.alloc(32)),
    events: new MemoryEventLog(),
    eventRetention: HOUR,
    eventMemory: Infinity,
    now,
  });
}

/** Stores over a disk that writes what it is told to when the test says so. */
function setUp() {
  const commits: { readonly end: () => void; readonly fail: () => void }[] = [];
  const events = new EventEmitter();
  const published: (Mutation & { readonly owner: Owner })[] = [];
  let isQuick = true;
  const journal: Journal = new Journal({
    write: () =>
      isQuick
        ? Promise.resolve()
        : new Promise((resolve, reject) => {
            commits.push({ end: resolve, fail: () => reject(new Error('No space left on device')) });
            events.emit('commit');
          }),
    publish: (of, mutation) => void published.push({ owner: of, ...mutation }),
    revert: (of, mutation) => database.revert(of, mutation),
    onFailure: () => {},
  });
  const database = databaseOf((of, mutation) => journal.append(of, mutation));
  return {
    stores: createDurableStores(createStores(database), journal),
    published,
    /** From now on commits end when they are told to. */
    slowDown: () => void (isQuick = false),
    async commit() {
      if (commits.length === 0) await once(events, 'commit');
      return existing(commits.shift());
    },
  };
}

/** Everything an owner has, and the runs by thread and by assistant. */
async function snapshot(stores: Stores) {
  return Promise.all(
    OWNERS.map(async (one) => {
      const everything = await everythingOf(stores, one);
      const parents = [
        ...everything.runs.map(({ assistantId }) => ({ assistantId })),
        ...everything.threads.map(({ id }) => ({ threadId: id })),
      ];
      const lists = parents.map((parent) => walk(stores.runs, one, NEWEST_FIRST, { parent }));
      return { everything, lists: await Promise.all(lists) };
    }),
  );
}

describe('stores over a journal', () => {
  it('should answer at once where nothing is pending', async () => {
    const { stores } = setUp();
    const { id } = await makeThread(stores, alice);
    expect(stores.threads.update(alice, id, {})).toMatchObject({ value: { id } });
    expect(stores.threads.delete(alice, UNKNOWN)).toStrictEqual({ value: null });
    expect(stores.threads.create(alice, { metadata: null })).toHaveProperty('refusals');
    expect(stores.threads.get(alice, id)).toMatchObject({ id });
  });

  it('should answer nothing that rests on what is not durable, save reads', async () => {
    const { stores, published, slowDown, commit } = setUp();
    const assistant = await makeAssistant(stores, alice);
    const thread = await makeThread(stores, alice);
    published.length = 0;
    slowDown();
    const answered: string[] = [];
    const note = async (name: string, work: Promise<unknown>): Promise<void> => {
      await work;
      answered.push(name);
    };
    const run = makeRun(stores, alice, { threadId: thread.id, assistantId: assistant.id });
    const all = [
      note('create', run),
      note('refusal', call(() => stores.assistants.delete(alice, assistant.id)).then(refusalsOf)),
      note(
        'nothing',
        call(() => stores.threads.update(alice, thread.id, {})),
      ),
      note(
        'unknown',
        call(() => stores.runs.delete(alice, UNKNOWN)),
      ),
    ];
    const first = await commit();
    await new Promise(setImmediate);
    expect(answered).toStrictEqual([]);
    expect(published).toStrictEqual([]);
    expect(stores.threads.get(alice, thread.id)).toMatchObject({ status: 'BUSY' });
    expect(stores.threads.count(alice, {})).toBe(1);
    first.end();
    await Promise.all(all);
    expect(answered.toSorted()).toStrictEqual(['create', 'nothing', 'refusal', 'unknown']);
    expect(published.map(({ changes }) => changes.map(({ resource }) => resource))).toStrictEqual([
      ['run', 'thread'],
    ]);
  });

  it('should be as they were on disk when that fails, and take nothing more', async () => {
    const { stores, published, slowDown, commit } = setUp();
    const thread = await makeThread(stores, alice);
    const run = await makeRun(stores, alice, { threadId: thread.id });
    await moveRun(stores, alice, run.id, 'RUNNING');
    const before = await snapshot(stores);
    published.length = 0;
    slowDown();
    const lost = [
      moveRun(stores, alice, run.id, 'ERROR'),
      call(() => stores.runs.delete(alice, run.id)),
      call(() => stores.threads.update(alice, UNKNOWN, {})),
    ].map((work) => work.catch((error: unknown) => error));
    const first = await commit();
    lost.push(makeThread(stores, alice).catch((error: unknown) => error));
    expect(await stores.runs.get(alice, run.id)).toBeNull();
    first.fail();
    for (const error of await Promise.all(lost)) expect(error).toBeInstanceOf(StoreUnavailable);
    deepStrictEqual(await snapshot(stores), before);
    expect(published).toStrictEqual([]);
    for (const store of [stores.assistants, stores.threads, stores.runs]) {
      await expect(call(() => store.update(alice, UNKNOWN, {}))).rejects.toThrow(StoreUnavailable);
      await expect(call(() => store.delete(alice, UNKNOWN))).rejects.toThrow(StoreUnavailable);
    }
    await expect(makeAssistant(stores, alice)).rejects.toThrow(StoreUnavailable);
    await expect(makeThread(stores, alice)).rejects.toThrow(StoreUnavailable);
    deepStrictEqual(await snapshot(stores), before);
  });
});

describe('workers over a journal', () => {
  it('should be answered when what they did is durable', async () => {
    const { stores, published, slowDown, commit } = setUp();
    const run = await enqueue(stores, alice);
    published.length = 0;
    slowDown();
    const answered: string[] = [];
    const claimed = claimOne(stores, alice).then((given) => {
      answered.push('claim');
      return given;
    });
    const first = await commit();
    await new Promise(setImmediate);
    expect(answered).toStrictEqual([]);
    first.end();
    const { lease } = await claimed;
    const beat = heartbeat(stores, alice, lease).then(() => answered.push('heartbeat'));
    const second = await commit();
    await new Promise(setImmediate);
    expect(answered).toStrictEqual(['claim']);
    second.end();
    await beat;
    expect(published.map(({ changes }) => changes.map(({ after }) => after?.id))).toStrictEqual([
      [run.id],
      [],
    ]);
  });

  it('should be as they were on disk when that fails: runs, payloads, keys and leases', async () => {
    const { stores, published, slowDown, commit } = setUp();
    const held = await claimNew(stores, alice, { input: { n: 1 } });
    await saveCheckpoint(stores, alice, held.lease, { step: 1 });
    const waiting = await enqueue(stores, alice, { threadId: held.run.threadId });
    const { assistantId } = waiting;
    const look = async () => ({
      runs: await everythingOf(stores, alice),
      checkpoint: await stores.runs.payload(alice, held.run.id, 'checkpoint'),
      output: await stores.runs.payload(alice, held.run.id, 'output'),
      lastSeq: (await stores.runs.events(alice, held.run.id, { after: 0, limit: 9, maxBytes: 999 }))?.lastSeq,
    });
    const before = await look();
    published.length = 0;
    slowDown();
    const lost = [
      call(() => saveCheckpoint(stores, alice, held.lease, { step: 2 })),
      call(() => append(stores, alice, held.lease, 0, ['A', 'B'])),
      call(() => finish(stores, alice, held.lease, { output: { end: 1 } })),
      call(() => claim(stores, alice)),
      call(() => stores.runs.create(alice, { assistantId, input: { a: 1 }, idempotencyKey: 'k' })),
      call(() => stores.runs.cancel(alice, waiting.id, 'ROLLBACK')),
    ].map((work) => work.catch((error: unknown) => error));
    const first = await commit();
    expect(await stores.runs.get(alice, held.run.id)).toMatchObject({ status: 'SUCCESS' });
    first.fail();
    for (const error of await Promise.all(lost)) expect(error).toBeInstanceOf(StoreUnavailable);
    deepStrictEqual(await look(), before);
    expect(published).toStrictEqual([]);
    for (const work of [
      () => claim(stores, alice),
      () => heartbeat(stores, alice, held.lease),
      () => append(stores, alice, held.lease, 0, []),
      () => saveCheckpoint(stores, alice, held.lease, {}),
      () => finish(stores, alice, held.lease),
      () => stores.queue.release(alice, [held.lease]),
      () => stores.runs.cancel(alice, waiting.id, 'INTERRUPT'),
    ]) {
      await expect(call<unknown>(work)).rejects.toThrow(StoreUnavailable);
    }
  });
});

describe('mutations in memory that are taken back', () => {
  it('should leave runs that workers execute as they were before them', async () => {
    expect.hasAssertions();
    const scripts = executionCommands(PLAYERS);
    await fc.assert(
      fc.asyncProperty(scripts, scripts, async (first, second) => {
        const clock = { now: START };
        const done: OwnedMutation[] = [];
        const published: Published[] = [];
        const database = databaseOf(
          (of, mutation) => {
            done.push({ owner: of, mutation });
            for (const change of mutation.changes) published.push({ owner: of, change, together: [] });
          },
          () => clock.now,
        );
        const bench: Bench = {
          stores: createStores(database),
          sweep: async () => database.sweep(),
          pass: async () => {},
          clock,
          published,
          appended: [],
          ready: [],
        };
        const player = new Player(bench);
        await player.begin();
        for (const command of first) await player.play(command);
        const look = async () =>
          Promise.all(
            PLAYERS.map(async (one) => {
              const { executions, payloads, keys } = database.partition(one);
              const details = [new Map(executions), new Map(payloads), new Map(keys)];
              return { ...(await everythingOf(bench.stores, one)), details };
            }),
          );
        const before = await look();
        done.length = 0;
        for (const command of second) await player.play(command);
        for (const { owner: of, mutation } of done.toReversed()) database.revert(of, mutation);
        deepStrictEqual(await look(), before);
        for (const one of PLAYERS) expect(findInconsistency(database.partition(one))).toBeNull();
      }),
      { numRuns: cases({ some: 30, all: 200 }) },
    );
  });

  it('should leave all as it was before them', async () => {
    expect.hasAssertions();
    await fc.assert(
      fc.asyncProperty(histories, async ([first, second]) => {
        const done: OwnedMutation[] = [];
        const database = databaseOf((of, mutation) => void done.push({ owner: of, mutation }));
        const stores = createStores(database);
        const model = new ModelStores(OWNERS);
        model.now = START;
        for (const command of first) await runCommand(command, stores, model);
        const before = await snapshot(stores);
        done.length = 0;
        for (const command of second) await runCommand(command, stores, model);
        for (const { owner: of, mutation } of done.toReversed()) database.revert(of, mutation);
        deepStrictEqual(await snapshot(stores), before);
        for (const one of OWNERS) expect(findInconsistency(database.partition(one))).toBeNull();
        // The next end of each thread, too, is what it was.
        const [{ everything }] = [existing(before[0])];
        for (const { id, threadId, ended } of everything.runs) {
          if (ended !== null) continue;
          const ends = everything.runs.map((run) => (run.threadId === threadId ? (run.ended ?? 0) : 0));
          const run = valueOf(await stores.runs.update(existing(OWNERS[0]), id, { status: 'SUCCESS' }));
          expect(run?.ended).toBe(Math.max(...ends) + 1);
          break;
        }
      }),
      { numRuns: 80 },
    );
  });
});
