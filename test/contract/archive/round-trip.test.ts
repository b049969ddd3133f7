// Not `expect`: to its `toStrictEqual`, a key named `constructor` is the object's class.
import { deepStrictEqual } from 'node:assert/strict';
import * as fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Archive, PAYLOAD_NAMES } from '../../../src/store/archive.ts';
import { diskArchive } from '../../../src/store/disk/archive.ts';
import { openDiskStores } from '../../../src/store/disk/stores.ts';
import { asOwner as owner, type Owner } from '../../../src/store/owner.ts';
import { postgresArchive } from '../../../src/store/postgres/archive.ts';
import { openPostgresStores } from '../../../src/store/postgres/stores.ts';
import type { Stores } from '../../../src/store/stores.ts';
import { connected } from '../../support/postgres/admin.ts';
import { createDatabase, type TestDatabase } from '../../support/postgres/database.ts';
import { START, valueOf } from '../../support/bench.ts';
import { inFolder } from '../disk/folder.ts';
import { type Command, commands } from '../model/commands.ts';
import { ModelStores } from '../model/model-stores.ts';
import { runCommand } from '../model/run-command.ts';
import { configFor } from '../../support/postgres/config.ts';
import { makeAssistant, makeRun, makeThread } from '../../support/records.ts';
import { sized } from '../../support/json-samples.ts';
import { everythingOf } from '../../support/walk.ts';
import { claimNew, finish } from '../../support/worker.ts';
import { makeExecutedRuns } from './executed.ts';
import { exportOf, importInto } from './moved.ts';
import { doWork, works } from './work.ts';

// By code point the last two are as here, by UTF-16 unit the other way round.
const OWNERS = ['__proto__', 'alice', 'alice!', 'bob', '\uff5e', '😀'].map(owner);

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
});

afterAll(() => database.drop());
afterEach(emptyPostgres);

/** Nothing becomes due while data is compared. */
const STANDING = { now: () => START };

const TABLES = [
  'assistants',
  'threads',
  'runs',
  'executions',
  'run_payloads',
  'idempotency_keys',
  'run_events',
];

function inPostgres(): Archive {
  return postgresArchive(configFor(database.url));
}

async function emptyPostgres(): Promise<void> {
  await connected(database.adminUrl, (sql) =>
    sql.unsafe(`TRUNCATE ${TABLES.map((name) => `agent_graphql.${name}`).join(', ')}`),
  );
}

/** Makes data in a folder. @param make it gets what moves the clock, and does what is due then */
async function makeData(
  folder: string,
  make: (
    stores: Stores,
    clock: { now: number },
    pass: (seconds: number) => Promise<void>,
  ) => Promise<unknown>,
) {
  const clock = { now: START };
  const opened = await openDiskStores(folder, { now: () => clock.now });
  try {
    await make(opened.forRequest(), clock, async (seconds) => {
      clock.now += seconds * 1_000;
      await opened.sweep();
    });
  } finally {
    await opened.close();
  }
}

async function everythingIn(stores: Stores): Promise<readonly unknown[]> {
  return Promise.all(
    OWNERS.map(async (one) => {
      const records = await everythingOf(stores, one);
      return {
        records,
        details: await Promise.all(records.runs.map(({ id }) => detailsOf(stores, one, id))),
      };
    }),
  );
}

async function detailsOf({ runs }: Stores, one: Owner, id: string): Promise<unknown> {
  const payloads = await Promise.all(PAYLOAD_NAMES.map(async (name) => runs.payload(one, id, name)));
  return { payloads, events: await runs.events(one, id, { after: 0, limit: 1_000, maxBytes: Infinity }) };
}

async function everythingOnDisk(folder: string): Promise<readonly unknown[]> {
  const opened = await openDiskStores(folder, STANDING);
  try {
    return await everythingIn(opened.forRequest());
  } finally {
    await opened.close();
  }
}

async function everythingInPostgres(): Promise<readonly unknown[]> {
  const opened = await openPostgresStores(configFor(database.url), { ...STANDING, sweepInterval: null });
  try {
    return await everythingIn(opened.forRequest());
  } finally {
    await opened.close();
  }
}

/** From a folder to PostgreSQL and on to another folder: the file must be the same each time, and the data too. */
async function goRound(folder: string): Promise<string> {
  const file = await exportOf(diskArchive(folder));
  await importInto(inPostgres(), file);
  expect(await exportOf(inPostgres())).toBe(file);
  await inFolder(async (other) => {
    await importInto(diskArchive(other), file);
    expect(await exportOf(diskArchive(other))).toBe(file);
    deepStrictEqual(await everythingOnDisk(other), await everythingOnDisk(folder));
  });
  return file;
}

async function play(script: readonly Command[], stores: Stores, clock: { now: number }): Promise<void> {
  const model = new ModelStores(OWNERS);
  for (const command of script) {
    if (command.type === 'wait') clock.now += command.milliseconds;
    model.now = clock.now;
    await runCommand(command, stores, model);
  }
}

describe('what moves from disk to PostgreSQL and back', () => {
  it('should be the same, whatever was done before', () => {
    expect.hasAssertions();
    return fc.assert(
      fc
        .asyncProperty(commands(OWNERS), works(OWNERS), (script, work) =>
          inFolder(async (folder) => {
            await makeData(folder, async (stores, clock, pass) => {
              await play(script, stores, clock);
              await doWork(work, stores, pass);
            });
            await goRound(folder);
          }),
        )
        .afterEach(emptyPostgres),
      { numRuns: 15 },
    );
  });

  it('should keep all that clients and workers have done to runs', () =>
    inFolder(async (folder) => {
      await makeData(folder, async (stores, _, pass) => {
        await makeExecutedRuns(stores, owner('forgotten'), pass);
        await pass(86_400);
        for (const one of OWNERS) await makeExecutedRuns(stores, one, pass);
      });
      const file = await goRound(folder);
      const count = (pattern: RegExp): number => file.match(pattern)?.length ?? 0;
      expect(count(/^\{"owner":"[^"]*","execution":/gm)).toBe(7 * (1 + OWNERS.length));
      expect(count(/"lastSeq":6,"droppedSeq":6,/g)).toBe(1);
      expect(count(/"name":"checkpoint","value":\{"at":1\}\}\}$/gm)).toBe(5 * (1 + OWNERS.length));
      expect(count(/"key":\{"id":"(?:assistant|thread|run) /g)).toBe(3 * (1 + OWNERS.length));
      expect(count(/"attempt":2,"type":"THREE"/g)).toBe(OWNERS.length);
      expect(count(/"lease":\{"holder":"bob","worker":"worker","seconds":60,/g)).toBe(1);
      deepStrictEqual(await everythingInPostgres(), await everythingOnDisk(folder));
    }));

  it('should keep odd keys, their order, numbers, and all kinds of ends', () =>
    inFolder(async (folder) => {
      const odd = JSON.parse(
        '{"z":1,"a":{"y":[1.5e300,5e-324,-0,1e21,0.1],"b":null},"__proto__":{"constructor":[{}]},"toString":"é\\u2028😀"}',
      );
      await makeData(folder, async (stores, clock) => {
        for (const one of OWNERS) {
          const of = { config: odd, context: odd, metadata: odd, name: '  Ǆ ß ', description: '"\\\n' };
          const kept = await makeAssistant(stores, one, of);
          const gone = await makeAssistant(stores, one);
          const { id: threadId } = await makeThread(stores, one, odd);
          for (const status of [
            'PENDING',
            'RUNNING',
            'ERROR',
            'INTERRUPTED',
            'TIMEOUT',
            'CANCELLED',
          ] as const) {
            clock.now++;
            await makeRun(stores, one, { threadId, assistantId: kept.id }, status);
          }
          await makeRun(stores, one, { assistantId: gone.id }, 'SUCCESS');
          valueOf(await stores.assistants.delete(one, gone.id));
          valueOf(await stores.assistants.update(one, kept.id, { description: null }));
        }
      });
      const file = await goRound(folder);
      expect(file.split('\n').length).toBe(6 * (1 + 2 + 7) + 3);
      expect(file).toContain(
        '{"z":1,"a":{"y":[1.5e+300,5e-324,0,1e+21,0.1],"b":null},"__proto__":{"constructor":[{}]}',
      );
      deepStrictEqual(await everythingInPostgres(), await everythingOnDisk(folder));
    }));

  it('should be the largest payloads and events', () =>
    inFolder(async (folder) => {
      const values = sized(524_288, 'a', '😀');
      const events = Array.from({ length: 7 }, () => ({ type: '😀'.repeat(64), data: sized(65_536) }));
      await makeData(folder, async (stores) => {
        for (let count = 0; count < 10; count++) {
          const { lease } = await claimNew(stores, owner('alice'), { input: values });
          await stores.queue.checkpoint(owner('alice'), { lease, values });
          await stores.queue.appendEvents(owner('alice'), { lease, offset: 0, events });
          await finish(stores, owner('alice'), lease, { output: values });
        }
      });
      const file = await goRound(folder);
      // Not `toHaveLength`: its message would have the whole file.
      expect(file.length > 10 * (3 * 262_144 + 7 * 65_536)).toBe(true);
    }));

  it('should leave out the events of a database that are not kept any more', () =>
    inFolder(async (folder) => {
      await makeData(folder, (stores, _, pass) => makeExecutedRuns(stores, owner('alice'), pass));
      await importInto(inPostgres(), await exportOf(diskArchive(folder)));
      const later = { now: () => START + 2 * 86_400_000, sweepInterval: null };
      const opened = await openPostgresStores(configFor(database.url), later);
      await opened.sweep();
      await opened.close();
      const rows = await connected(
        database.adminUrl,
        (sql) => sql`SELECT FROM agent_graphql.run_events
        JOIN agent_graphql.executions USING (owner, run_id) WHERE seq <= dropped_seq`,
      );
      expect(rows.length).toBeGreaterThan(0);
      const file = await exportOf(inPostgres());
      expect(file).not.toContain('"type":"THREE"');
      expect(file).toContain('"type":"WORKING"');
      await inFolder(async (other) => {
        await importInto(diskArchive(other), file);
        expect(await exportOf(diskArchive(other))).toBe(file);
      });
    }));

  it('should be many records of one owner, and few of many', () =>
    inFolder(async (folder) => {
      await makeData(folder, async (stores) => {
        await Promise.all(Array.from({ length: 600 }, () => makeThread(stores, owner('alice'))));
        await Promise.all(Array.from({ length: 50 }, (_, index) => makeRun(stores, owner(`owner ${index}`))));
      });
      const file = await goRound(folder);
      expect(file).toMatch(/\{"end":\{"assistants":50,"threads":650,"runs":50\}\}\n$/);
    }));
});
