import { expect, onTestFinished } from 'vitest';
import type { Change } from '../../../src/store/change.ts';
import { asOwner } from '../../../src/store/owner.ts';
import { openPostgresStores } from '../../../src/store/postgres/stores.ts';
import { valueOf } from '../../support/bench.ts';
import { connected } from '../../support/postgres/admin.ts';
import { configFor } from '../../support/postgres/config.ts';
import type { TestDatabase } from '../../support/postgres/database.ts';
import { endCursor, NEWEST_FIRST } from '../../support/walk.ts';

const ALICE = asOwner('alice');
const TIME = '2026-03-02T01:04:05.120Z';
const METADATA = { text: '\\ \' " %_ ü 😀 \u2028', number: 0.1, list: [null, true, {}] };
const THREADS = 12;

/** A schema with other functions of the names that statements use. */
export const HOSTILE_SCHEMA = `CREATE SCHEMA hostile; GRANT USAGE ON SCHEMA hostile TO PUBLIC;
  CREATE FUNCTION hostile.strpos(text, text) RETURNS integer LANGUAGE sql AS 'SELECT 0';
  CREATE FUNCTION hostile.now() RETURNS timestamptz LANGUAGE sql AS $$SELECT timestamptz '1999-01-01Z'$$;
  CREATE FUNCTION hostile.set_config(text, text, boolean) RETURNS text LANGUAGE sql AS 'SELECT null::text'`;

/** Settings of the role, each with what sessions must have in its place. */
export const HOSTILE_SETTINGS: readonly (readonly [name: string, hostile: string, pinned: string])[] = [
  ['bytea_output', 'escape', 'hex'],
  ['row_security', 'off', 'on'],
  ['datestyle', 'SQL, DMY', 'ISO, YMD'],
  ['datestyle', 'German', 'ISO, YMD'],
  ['intervalstyle', 'iso_8601', 'postgres'],
  ['timezone', 'America/St_Johns', 'UTC'],
  ['extra_float_digits', '-15', '1'],
  ['client_encoding', 'LATIN1', 'UTF8'],
  ['standard_conforming_strings', 'off', 'on'],
  ['array_nulls', 'off', 'on'],
  ['transform_null_equals', 'on', 'off'],
  ['search_path', 'hostile, pg_catalog', 'pg_catalog, pg_temp'],
  ['agent_graphql.owner', 'bob', ''],
  ['agent_graphql.everybody', 'on', ''],
  ['agent_graphql.search', '{"hidden": true}', ''],
  ['agent_graphql.worker', 'on', ''],
  ['gin_fuzzy_search_limit', '1', '0'],
  ['default_transaction_isolation', 'serializable', 'read committed'],
  ['default_transaction_read_only', 'on', 'off'],
  ['default_transaction_deferrable', 'on', 'off'],
  ['exit_on_error', 'on', 'off'],
  ['statement_timeout', '100ms', '0'],
  ['lock_timeout', '100ms', '0'],
  ['idle_in_transaction_session_timeout', '100ms', '0'],
  ['idle_session_timeout', '100ms', '0'],
  ['synchronous_commit', 'off', 'on'],
  ['synchronous_commit', 'local', 'local'],
];

/** Sets defaults for the sessions of the server's role until the end of the test. */
export async function setRole(
  database: TestDatabase,
  settings: readonly (readonly [name: string, value: string, ...unknown[]])[],
): Promise<void> {
  const role = new URL(database.url).username;
  await connected(database.adminUrl, async (sql) => {
    for (const [name, value] of settings) {
      const list = name === 'search_path' ? value : `'${value}'`;
      await sql.unsafe(`ALTER ROLE ${role} SET ${name} = ${list}`);
    }
  });
  onTestFinished(() =>
    connected(database.adminUrl, async (sql) => void (await sql.unsafe(`ALTER ROLE ${role} RESET ALL`))),
  );
}

/**
 * Expects a server with the role to store, read, list, search, count and publish as one with another role.
 * @param url of the database, as the role. Default: its own, without anything in between
 */
export async function expectAllWorks(database: TestDatabase, url = database.url): Promise<void> {
  const first = await openServer(url);
  const second = await openServer(database.adminUrl);
  onTestFinished(() => emptyTables(database));
  const { assistants, threads } = first.forRequest();
  const assistant = valueOf(
    await assistants.create(ALICE, {
      graphId: 'graph',
      name: 'An ÄSSISTANT',
      config: METADATA,
      metadata: METADATA,
    }),
  );
  expect(assistant).toMatchObject({ createdAt: TIME, config: METADATA });
  for (let i = 0; i < THREADS; i++) valueOf(await threads.create(ALICE, { metadata: { ...METADATA, i } }));

  const { number } = METADATA;
  const filter = { nameContains: 'ässist', graphId: 'graph' };
  for (const { forRequest, drainNotifications, published } of [first, second]) {
    const stores = forRequest();
    expect(await stores.assistants.get(ALICE, assistant.id)).toEqual(assistant);
    expect(await stores.assistants.count(ALICE, filter)).toBe(1);
    expect(await stores.threads.count(ALICE)).toBe(THREADS);
    expect(await stores.threads.count(ALICE, { metadata: { number } })).toBe(THREADS);
    expect(await stores.threads.count(asOwner('bob'))).toBe(0);
    await drainNotifications();
    expect(published).toHaveLength(1 + THREADS);
    expect(published[0]?.after).toEqual(assistant);
  }
  const query = { first: 8, orderBy: NEWEST_FIRST };
  const page = await first.forRequest().threads.list(ALICE, query);
  const next = await second.forRequest().threads.list(ALICE, { ...query, after: endCursor(page) });
  const numbers = [...page.items, ...next.items].map(({ metadata }) => metadata['i']);
  expect(numbers).toEqual(Array.from({ length: THREADS }, (_, i) => THREADS - 1 - i));
  const updated = valueOf(await first.forRequest().assistants.update(ALICE, assistant.id, { name: 'B' }));
  expect(updated).toMatchObject({ version: 2, createdAt: TIME });
  expect(await first.isReady()).toBe(true);
}

/** Opens a server's stores. */
async function openServer(url: string) {
  const published: Change[] = [];
  const stores = await openPostgresStores(configFor(url), {
    now: () => Date.parse(TIME),
    publish: (_, changes) => void published.push(...changes),
  });
  onTestFinished(() => stores.close());
  return { ...stores, published };
}

async function emptyTables(database: TestDatabase): Promise<void> {
  await connected(
    database.adminUrl,
    (sql) => sql`TRUNCATE agent_graphql.threads, agent_graphql.assistants, agent_graphql.runs`,
  );
}
