import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { diskArchive } from '../../../src/store/disk/archive.ts';
import { openDiskStores } from '../../../src/store/disk/stores.ts';
import { asOwner } from '../../../src/store/owner.ts';
import { postgresArchive } from '../../../src/store/postgres/archive.ts';
import { openPostgresStores } from '../../../src/store/postgres/stores.ts';
import { eventually } from '../../support/eventually.ts';
import { connected } from '../../support/postgres/admin.ts';
import { createDatabase, type TestDatabase } from '../../support/postgres/database.ts';
import { makeRun } from '../../support/records.ts';
import { inFolder } from '../disk/folder.ts';
import { spyOn } from '../postgres/spy.ts';
import { exportOf, filesIn, importInto, refusalOf } from './moved.ts';
import { DETAILED, DIGEST, end, fileOf, GOOD, HEADER, ids } from './sample.ts';
import { configFor } from '../../support/postgres/config.ts';

const OWNER = asOwner('alice');
const FILE = fileOf(...GOOD);
const EMPTY = fileOf(HEADER, end(0, 0, 0));

describe('a folder', () => {
  it('should be refused as the destination when it has records, and stay as it was', () =>
    inFolder(async (folder) => {
      const archive = diskArchive(folder);
      await importInto(archive, FILE);
      expect(await refusalOf(importInto(archive, FILE))).toBe(
        `DATA_DIR "${folder}" has records in it: import into an empty folder.`,
      );
      expect(await exportOf(archive)).toBe(FILE);
    }));

  it('should be the destination when a server has made it and stored nothing', () =>
    inFolder(async (folder) => {
      const archive = diskArchive(folder);
      await (await openDiskStores(folder)).close();
      expect(await exportOf(archive)).toBe(EMPTY);
      expect(await refusalOf(importInto(archive, FILE.slice(0, -1).replace(/\d\D*$/, '9}}')))).toContain(
        'Line 5',
      );
      expect(await exportOf(archive)).toBe(EMPTY);
      await importInto(archive, FILE);
      const opened = await openDiskStores(folder);
      expect(opened.loadedCounts).toMatchObject({ assistant: 1, thread: 1, run: 1 });
      await opened.close();
    }));

  it('should be refused while a server uses it', () =>
    inFolder(async (folder) => {
      const opened = await openDiskStores(folder);
      const refusal = `DATA_DIR "${folder}" is in use by another process: stop that one, or choose another.`;
      expect(await refusalOf(exportOf(diskArchive(folder)))).toBe(refusal);
      expect(await refusalOf(importInto(diskArchive(folder), FILE))).toBe(refusal);
      await opened.close();
    }));

  it('should be refused as the source when there is nothing in it, and not be made', () =>
    inFolder(async (folder) => {
      const none = join(folder, 'none');
      expect(await refusalOf(exportOf(diskArchive(none)))).toBe(`DATA_DIR "${none}" has no data in it.`);
      expect(filesIn(folder)).toStrictEqual([]);
    }));

  it('should be refused when it is damaged', () =>
    inFolder(async (folder) => {
      writeFileSync(join(folder, 'data.mdb'), 'x'.repeat(10_000));
      const refusal = /^DATA_DIR "[^"]+" is damaged: [^\n]+$/;
      expect(await refusalOf(exportOf(diskArchive(folder)))).toMatch(refusal);
      expect(await refusalOf(importInto(diskArchive(folder), FILE))).toMatch(refusal);
      expect(filesIn(folder)).toStrictEqual(['data.mdb']);
    }));

  it('should be cleared of what an import left that was cut off', () =>
    inFolder(async (folder) => {
      const left = ['data.mdb.new', 'data.mdb.new-lock'].map((name) => join(folder, name));
      for (const path of left) writeFileSync(path, 'x'.repeat(10_000));
      await (await openDiskStores(folder)).close();
      expect(filesIn(folder)).toStrictEqual(['data.mdb']);
      for (const path of left) writeFileSync(path, 'x'.repeat(10_000));
      await (await openDiskStores(folder)).close();
      expect(filesIn(folder)).toStrictEqual(['data.mdb']);
      for (const path of left) writeFileSync(path, 'x'.repeat(10_000));
      await importInto(diskArchive(folder), FILE);
      expect(filesIn(folder)).toStrictEqual(['data.mdb']);
    }));

  it('should be refused when it cannot be written', () =>
    inFolder(async (folder) => {
      mkdirSync(join(folder, 'data.mdb.new'));
      expect(await refusalOf(importInto(diskArchive(folder), FILE))).toMatch(
        /^DATA_DIR "[^"]+" cannot be used: /,
      );
    }));
});

describe('a database', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createDatabase();
  });

  afterAll(() => database.drop());

  beforeEach(() =>
    connected(database.adminUrl, (sql) => sql.unsafe('DROP SCHEMA IF EXISTS agent_graphql CASCADE')),
  );

  function archive() {
    return postgresArchive(configFor(database.url));
  }

  /** How many in this database wait for somebody else's lock. */
  async function waitingLocks(): Promise<number> {
    return connected(database.adminUrl, async (sql) => {
      const { count } = await sql`SELECT FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'`;
      return count;
    });
  }

  async function cutConnections(): Promise<void> {
    await connected(
      database.adminUrl,
      (sql) => sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
  }

  it('should be refused as the source when no server has used it, and stay as it was', async () => {
    const refusal = 'DATABASE_URL names a database without data of agent-graphql.';
    expect(await refusalOf(exportOf(archive()))).toBe(refusal);
    expect(await refusalOf(exportOf(archive()))).toBe(refusal);
  });

  it('should be the destination when it is new', async () => {
    await importInto(archive(), FILE);
    expect(await exportOf(archive())).toBe(FILE);
  });

  it('should be refused as the destination when it has records, and stay as it was', async () => {
    await importInto(archive(), FILE);
    expect(await refusalOf(importInto(archive(), FILE))).toBe(
      'DATABASE_URL names a database with records in it: import into an empty one.',
    );
    expect(await exportOf(archive())).toBe(FILE);
  });

  it('should stay empty when a file turns out to be wrong', async () => {
    expect(await refusalOf(importInto(archive(), fileOf(...GOOD.slice(0, 4))))).toContain('cut off');
    expect(await exportOf(archive())).toBe(EMPTY);
  });

  it('should stay empty when it cannot hold a record that a folder could', async () => {
    const large = FILE.replace('"version":3', '"version":3000000000');
    expect(await refusalOf(importInto(archive(), large))).toMatch(
      /^DATABASE_URL names a database that cannot be used: [^\n]*out of range/,
    );
    expect(await exportOf(archive())).toBe(EMPTY);
  });

  it('should be refused as the source in a format that is older or newer', async () => {
    await importInto(archive(), FILE);
    await connected(
      database.adminUrl,
      (sql) => sql`INSERT INTO agent_graphql.migrations (version) VALUES (99)`,
    );
    expect(await refusalOf(exportOf(archive()))).toMatch(
      /of format 99, and .* reads \d+: use the newer version\.$/,
    );
    await connected(database.adminUrl, (sql) => sql`DELETE FROM agent_graphql.migrations`);
    expect(await refusalOf(exportOf(archive()))).toMatch(
      /of format 0, .* `npm run migrate` brings it up to date\.$/,
    );
  });

  it.each([
    ['run_payloads', "input = '[]'", `the payload ${ids.ended} has no JSON object as \`value\``],
    ['run_payloads', "output = 'hello'", `the payload ${ids.ended} has no JSON object as \`value\``],
    ['run_events', "data = '1'", `the event ${ids.ended} is not valid`],
    ['executions', 'dropped_seq = 4', `the execution ${ids.ended} is not valid`],
    ['idempotency_keys', "digest = ''", `the key run ${DIGEST} is not valid`],
  ])('should be refused as the source when %s were changed by hand: %s', async (table, change, problem) => {
    await importInto(archive(), fileOf(...DETAILED));
    await connected(database.adminUrl, (sql) => sql.unsafe(`UPDATE agent_graphql.${table} SET ${change}`));
    expect(await refusalOf(exportOf(archive()))).toBe(
      `DATABASE_URL names a database with an invalid record: ${problem}.`,
    );
  });

  it('should keep servers from writing while it is filled, and be read as it was at one moment', async () => {
    const stores = await openPostgresStores(configFor(database.url));
    const { threads } = stores.forRequest();
    const done: string[] = [];
    let created: Promise<unknown> | undefined;
    async function* records() {
      created = Promise.resolve(threads.create(OWNER, {})).then(() => done.push('created'));
      await eventually('the server waits', async () => (await waitingLocks()) > 0);
      yield* [];
      done.push('filled');
    }
    await archive().fill(records());
    await created;
    expect(done).toStrictEqual(['filled', 'created']);
    await archive().read(async (some) => {
      expect(some).toHaveLength(1);
      await threads.create(OWNER, {});
    });
    await stores.close();
  });

  it('should keep servers from changing the partitions of events while it is filled', async () => {
    const stores = await openPostgresStores(configFor(database.url), { sweepInterval: null });
    const partitions = (): Promise<number> =>
      connected(database.adminUrl, async (sql) => {
        const { count } =
          await sql`SELECT FROM pg_inherits WHERE inhparent = 'agent_graphql.run_events'::regclass`;
        return count;
      });
    const before = await partitions();
    const today = new Date().toISOString().slice(0, 10).replaceAll('-', '');
    await connected(database.adminUrl, (sql) => sql.unsafe(`DROP TABLE agent_graphql.run_events_${today}`));
    async function* records() {
      await stores.sweep();
      expect(await partitions()).toBe(before - 1);
      yield* [];
    }
    await archive().fill(records());
    await stores.sweep();
    expect(await partitions()).toBe(before);
    await stores.close();
  });

  it('should be read as it was at one moment, whatever is created between two kinds of records', async () => {
    const spy = await spyOn(database.url);
    onTestFinished(() => spy.close());
    await importInto(archive(), FILE);
    const stores = await openPostgresStores(configFor(database.url));
    const { assistants, threads, runs } = stores.forRequest();
    const created: unknown[] = [];
    spy.before(
      'DECLARE all_run',
      async () => void created.push(await makeRun({ assistants, threads, runs }, OWNER)),
    );
    expect(await exportOf(postgresArchive(configFor(spy.url)))).toBe(FILE);
    expect(created).toHaveLength(1);
    await stores.close();
  });

  it('should be given up with a line when the connection is lost', async () => {
    const refusal = /^DATABASE_URL names a database that cannot be used: [^\n]+$/;
    async function* records() {
      await cutConnections();
      yield* [];
    }
    expect(await refusalOf(archive().fill(records()))).toMatch(refusal);
    expect(await exportOf(archive())).toBe(EMPTY);
    await importInto(archive(), FILE);
    expect(await refusalOf(archive().read(cutConnections))).toMatch(refusal);
  });

  it('should be refused when it is out of reach', async () => {
    const away = postgresArchive(configFor('postgres://nobody:secret@127.0.0.1:1/none'));
    for (const move of [exportOf(away), importInto(away, FILE)]) {
      const refusal = await refusalOf(move);
      expect(refusal).toMatch(/^DATABASE_URL names a database that cannot be used: [^\n]+$/);
      expect(refusal).not.toContain('secret');
    }
  });
});
