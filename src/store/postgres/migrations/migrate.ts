import { randomBytes } from 'node:crypto';
import { StoreError } from '../../store-error.ts';
import type { Sql } from '../client/connect.ts';
import { type Migration, MIGRATIONS } from './migrations.ts';
import type { Pool, Transaction } from '../client/pool.ts';

/** Held by whoever migrates. Any number would do that nobody else locks. */
const LOCK = 7_236_514_208;
/** The oldest PostgreSQL that is known to work, as `server_version_num` has it. */
const OLDEST = 150_000;
/** Bytes of the key that signs cursors. */
const KEY_BYTES = 32;

/**
 * Brings the database's format up to date, each step in a transaction, one server after the other.
 * @returns the versions that were applied, in their order
 * @throws StoreError for a database that a newer version of this program has written, or that cannot be used
 */
export async function migrate(
  pool: Pool,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<readonly number[]> {
  const newest = migrations.at(-1)?.version ?? 0;
  const applied: number[] = [];
  for (;;) {
    const version = await pool.transaction('BEGIN', new AbortController().signal, (tx) =>
      migrateOnce(tx, migrations, newest),
    );
    if (version === null) return applied;
    applied.push(version);
  }
}

/** Applies the next migration, if there is one: its version. */
async function migrateOnce(
  tx: Transaction,
  migrations: readonly Migration[],
  newest: number,
): Promise<number | null> {
  const { sql, run } = tx;
  await run(sql`SELECT pg_advisory_xact_lock(${LOCK}::bigint)`);
  await checkServer(tx);
  const current = await prepare(tx);
  if (current > newest) {
    throw new StoreError(
      `DATABASE_URL names a database of format ${current}, and this version of agent-graphql knows formats up to ` +
        `${newest}: start the newer version.`,
    );
  }
  const next = migrations.find(({ version }) => version > current);
  if (next === undefined) return null;
  await run(sql.unsafe(next.sql));
  await run(sql`INSERT INTO agent_graphql.migrations (version) VALUES (${next.version})`);
  return next.version;
}

/** The version of the database's format: 0 where there is nothing yet. */
async function prepare({ sql, run }: Transaction): Promise<number> {
  const [found] = await run(sql<{ schema: boolean; table: boolean }[]>`SELECT
    to_regnamespace('agent_graphql') IS NOT NULL AS schema,
    to_regclass('agent_graphql.migrations') IS NOT NULL AS table`);
  // Not `IF NOT EXISTS`: that asks for the right to create it even where it exists.
  if (found?.schema === false) await run(sql`CREATE SCHEMA agent_graphql`);
  if (found?.table === false) {
    await run(sql`CREATE TABLE agent_graphql.migrations (
      version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())`);
  }
  return versionOf({ sql, run });
}

/** The version of the format of a database that has one: 0 before its first migration. */
export async function versionOf({ sql, run }: Transaction): Promise<number> {
  const [row] = await run(sql<{ version: number | null }[]>`SELECT max(version) AS version
    FROM agent_graphql.migrations`);
  return row?.version ?? 0;
}

async function checkServer({ sql, run }: Transaction): Promise<void> {
  const [server] = await run(sql<{ version: number; encoding: string }[]>`SELECT
    current_setting('server_version_num')::integer AS version, current_setting('server_encoding') AS encoding`);
  if (server === undefined) return;
  if (server.version < OLDEST) {
    throw new StoreError('DATABASE_URL names a PostgreSQL that is too old: version 15 or later is needed.');
  }
  if (server.encoding !== 'UTF8') {
    throw new StoreError(
      `DATABASE_URL names a database in ${server.encoding}: create one with ENCODING 'UTF8'.`,
    );
  }
}

/** The key that signs the cursors of all servers: made by the first of them. */
export async function cursorKey({ sql, run }: { sql: Sql } & Pick<Transaction, 'run'>): Promise<Uint8Array> {
  await run(sql`INSERT INTO agent_graphql.secrets (name, value) VALUES ('cursors', ${randomBytes(KEY_BYTES)})
    ON CONFLICT (name) DO NOTHING`);
  const [row] = await run(sql<{ value: Uint8Array }[]>`SELECT value FROM agent_graphql.secrets
    WHERE name = 'cursors'`);
  if (row === undefined) throw new TypeError('The key of the cursors is gone.');
  return row.value;
}
