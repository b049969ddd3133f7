// Not `expect`: to its `toStrictEqual`, a key named `constructor` is the object's class.
import { deepStrictEqual } from 'node:assert/strict';
import * as fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Archive } from '../../../src/store/archive.ts';
import { diskArchive } from '../../../src/store/disk/archive.ts';
import { openDiskStores } from '../../../src/store/disk/stores.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
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
import { everythingOf } from '../../support/walk.ts';
import { exportOf, importInto } from './moved.ts';

// By code point the last two are as here, by UTF-16 unit the other way round.
const OWNERS = ['__proto__', 'alice', 'alice!', 'bob', '\uff5e', '😀'].map(owner);

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
});

afterAll(() => database.drop());
afterEach(emptyPostgres);

function inPostgres(): Archive {
  return postgresArchive(configFor(database.url));
}

async function emptyPostgres(): Promise<void> {
  await connected(database.adminUrl, (sql) =>
    sql.unsafe(`TRUNCATE agent_graphql.assistants, agent_graphql.threads, agent_graphql.runs, agent_graphql.executions,
      agent_graphql.run_payloads, agent_graphql.run_events, agent_graphql.idempotency_keys`),
  );
}

/** Makes data in a folder. */
async function makeData(folder: string, make: (stores: Stores, clock: { now: number }) => Promise<void>) {
  const clock = { now: START };
  const opened = await openDiskStores(folder, { now: () => clock.now });
  try {
    await make(opened.forRequest(), clock);
  } finally {
    await opened.close();
  }
}

async function everythingIn(stores: Stores): Promise<readonly unknown[]> {
  return Promise.all(OWNERS.map((one) => everythingOf(stores, one)));
}

async function everythingOnDisk(folder: string): Promise<readonly unknown[]> {
  const opened = await openDiskStores(folder);
  try {
    return await everythingIn(opened.forRequest());
  } finally {
    await opened.close();
  }
}

async function everythingInPostgres(): Promise<readonly unknown[]> {
  const opened = await openPostgresStores(configFor(database.url));
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
        .asyncProperty(commands(OWNERS), (script) =>
          inFolder(async (folder) => {
            await makeData(folder, (stores, clock) => play(script, stores, clock));
            await goRound(folder);
          }),
        )
        .afterEach(emptyPostgres),
      { numRuns: 15 },
    );
  });

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
