import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Archive } from '../../../src/store/archive.ts';
import { diskArchive } from '../../../src/store/disk/archive.ts';
import { openDiskStores } from '../../../src/store/disk/stores.ts';
import { asOwner } from '../../../src/store/owner.ts';
import { postgresArchive } from '../../../src/store/postgres/archive.ts';
import { openPostgresStores } from '../../../src/store/postgres/stores.ts';
import type { OpenedStores, Stores } from '../../../src/store/stores.ts';
import { connected } from '../../support/postgres/admin.ts';
import { configFor } from '../../support/postgres/config.ts';
import { createDatabase, type TestDatabase } from '../../support/postgres/database.ts';
import { existing, makeAssistant } from '../../support/records.ts';
import {
  append,
  claim,
  claimIds,
  claimOne,
  enqueue,
  eventsOf,
  finish,
  heartbeat,
  lost,
  payloadOf,
  valuesOf,
} from '../../support/worker.ts';
import { inFolder } from '../disk/folder.ts';
import { type ExecutedRuns, makeExecutedRuns } from './executed.ts';
import { exportOf, importInto } from './moved.ts';

const [alice, bob] = [asOwner('alice'), asOwner('bob')];

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
});

afterAll(() => database.drop());

/** Stores that were imported, and the runs that they then had. */
interface Imported {
  readonly stores: Stores;
  readonly runs: ExecutedRuns;
  pass(seconds: number): Promise<void>;
}

type Test = (imported: Imported) => Promise<void>;

interface Clock {
  now: number;
}

/** Makes runs in a folder, imports them, opens the stores then, and lets a test use them. */
async function moved(
  archive: Archive,
  open: (clock: Clock) => Promise<OpenedStores>,
  test: Test,
): Promise<void> {
  // The clock of the database decides which delays have passed when it is filled. The runs take 48 s to make.
  const clock = { now: Date.now() - 60_000 };
  const passOf = (opened: OpenedStores) => async (seconds: number) => {
    clock.now += seconds * 1_000;
    await opened.sweep();
  };
  await inFolder(async (folder) => {
    const source = await openDiskStores(folder, { now: () => clock.now });
    let runs: ExecutedRuns;
    try {
      runs = await makeExecutedRuns(source.forRequest(), alice, passOf(source));
    } finally {
      await source.close();
    }
    await importInto(archive, await exportOf(diskArchive(folder)));
    const opened = await open(clock);
    try {
      await test({ stores: opened.forRequest(), runs, pass: passOf(opened) });
    } finally {
      await opened.close();
    }
  });
}

describe.each<[string, (test: Test) => Promise<void>]>([
  [
    'a folder',
    (test) =>
      inFolder((folder) =>
        moved(diskArchive(folder), (clock) => openDiskStores(folder, { now: () => clock.now }), test),
      ),
  ],
  [
    'a database',
    async (test) => {
      const config = configFor(database.url);
      const open = (clock: Clock) =>
        openPostgresStores(config, { now: () => clock.now, sweepInterval: null });
      await moved(postgresArchive(config), open, test);
    },
  ],
])('runs that were imported into %s', (_, onImported) => {
  beforeEach(() =>
    connected(database.adminUrl, (sql) => sql.unsafe('DROP SCHEMA IF EXISTS agent_graphql CASCADE')),
  );

  it('should be given to workers, with what they had', () =>
    onImported(async ({ stores, runs, pass }) => {
      expect(await claimIds(stores, bob)).toStrictEqual([]);
      expect(await claimIds(stores, alice)).toStrictEqual([]);
      const given = await claimOne(stores, bob, { graphIds: ['later'], allOwners: true });
      expect(given).toMatchObject({ owner: alice, input: '{"answer":"!"}', values: '{"asked":true}' });
      expect(given.run).toMatchObject({ id: runs.waiting, resumes: runs.interrupted, attempt: 1 });
      await finish(stores, bob, given.lease, { output: { end: true } });
      expect(await valuesOf(stores, alice, runs.threadId)).toStrictEqual({ end: true });
      expect(await claimIds(stores, alice, { graphIds: ['later'] })).toStrictEqual([]);
      await pass(3_700);
      expect(await claimIds(stores, alice, { graphIds: ['later'] })).toStrictEqual([runs.delayed]);
    }));

  it('should keep payloads, events and ends', () =>
    onImported(async ({ stores, runs }) => {
      const [output, checkpoint] = [{ z: 1, a: { 9: [0.1], 10: '\u2028' } }, { at: 1 }];
      expect(await payloadOf(stores, alice, runs.succeeded, 'input')).toStrictEqual({ n: 1 });
      expect(await payloadOf(stores, alice, runs.succeeded, 'output')).toStrictEqual(output);
      expect(await payloadOf(stores, alice, runs.succeeded, 'checkpoint')).toStrictEqual(checkpoint);
      expect(await payloadOf(stores, alice, runs.rolledBack, 'checkpoint')).toBeNull();
      expect(await eventsOf(stores, alice, runs.succeeded)).toStrictEqual([
        '1 1 RUN_STARTED',
        '2 1 ONE',
        '3 1 TWO',
        '4 2 RUN_STARTED',
        '5 2 THREE',
        '6 2 RUN_FINISHED',
      ]);
      expect(await stores.runs.get(alice, runs.failed)).toMatchObject({
        status: 'ERROR',
        error: { code: 'ATTEMPTS_EXHAUSTED' },
      });
    }));

  it('should be taken again once their leases have ended, which are not good any more', () =>
    onImported(async ({ stores, runs, pass }) => {
      const { lease } = runs;
      expect(await heartbeat(stores, alice, lease)).toStrictEqual(lost(lease));
      expect(await finish(stores, alice, lease)).toStrictEqual({ accepted: false, status: null });
      await pass(55);
      expect(await stores.runs.get(alice, runs.held)).toMatchObject({ status: 'RUNNING', worker: 'worker' });
      await pass(10);
      expect(await stores.runs.get(alice, runs.held)).toMatchObject({ worker: null });
      await pass(1);
      const again = await claim(stores, alice, { max: 50, name: 'another' });
      const given = existing(again.find(({ run }) => run.id === runs.held));
      expect(given).toMatchObject({ checkpoint: '{"at":1}', run: { attempt: 2, worker: 'another' } });
      await append(stores, alice, given.lease, 0, ['AGAIN']);
      await finish(stores, alice, given.lease);
      expect(await eventsOf(stores, alice, runs.held)).toStrictEqual([
        '1 1 RUN_STARTED',
        '2 1 WORKING',
        '3 2 RUN_STARTED',
        '4 2 AGAIN',
        '5 2 RUN_FINISHED',
      ]);
    }));

  it('should go on to be tried again, cancelled and timed out', () =>
    onImported(async ({ stores, runs, pass }) => {
      await pass(16);
      expect(await stores.runs.get(alice, runs.cancelling)).toMatchObject({ status: 'CANCELLED' });
      expect(await payloadOf(stores, alice, runs.cancelling, 'output')).toStrictEqual({ at: 1 });
      await pass(46);
      const given = await claimOne(stores, alice);
      expect(given.run).toMatchObject({ id: runs.retried, attempt: 2 });
      await pass(3_600);
      expect(await stores.runs.get(alice, runs.held)).toMatchObject({
        status: 'TIMEOUT',
        error: { code: 'TIMEOUT' },
      });
    }));

  it('should replay the creations with their keys, until they are deleted', () =>
    onImported(async ({ stores, runs, pass }) => {
      const { succeeded, threadId } = runs;
      const { assistantId } = existing(await stores.runs.get(alice, succeeded));
      const run = { threadId, assistantId, input: { n: 1 }, idempotencyKey: 'run' };
      expect(await stores.runs.create(alice, run)).toMatchObject({
        value: { id: succeeded },
        replayed: true,
      });
      expect(await stores.runs.create(alice, { ...run, input: { n: 2 } })).toMatchObject({
        refusals: [{ code: 'CONFLICT', key: 'idempotencyKey' }],
      });
      expect(await stores.threads.create(alice, { idempotencyKey: 'thread' })).toMatchObject({
        value: { id: threadId },
        replayed: true,
      });
      const assistant = { graphId: 'graph', idempotencyKey: 'assistant' };
      expect(await stores.assistants.create(alice, assistant)).toMatchObject({ replayed: true });
      expect((await makeAssistant(stores, bob, assistant)).id).not.toBe(assistantId);
      await pass(0);
      await stores.runs.delete(alice, succeeded);
      expect(await stores.runs.create(alice, run)).toMatchObject({ replayed: false });
    }));

  it('should forget their events in time', () =>
    onImported(async ({ stores, runs, pass }) => {
      await pass(86_400);
      expect(await eventsOf(stores, alice, runs.succeeded)).toStrictEqual([]);
      const page = await stores.runs.events(alice, runs.succeeded, { after: 0, limit: 9, maxBytes: 1e6 });
      expect(page).toMatchObject({ missedUpTo: 6, lastSeq: 6 });
      expect(await eventsOf(stores, alice, runs.retried)).toStrictEqual(['1 1 RUN_STARTED', '2 1 WORKING']);
    }));

  it('should keep their place among new ones of their thread', () =>
    onImported(async ({ stores, runs }) => {
      const { assistantId } = existing(await stores.runs.get(alice, runs.waiting));
      const { id } = await enqueue(stores, alice, { threadId: runs.threadId, assistantId });
      const first = await claimOne(stores, alice, { graphIds: ['later'] });
      expect(first.run.id).toBe(runs.waiting);
      expect(await claimIds(stores, alice, { graphIds: ['later'] })).toStrictEqual([]);
      await finish(stores, alice, first.lease);
      expect(await claimIds(stores, alice, { graphIds: ['later'] })).toStrictEqual([id]);
    }));
});
