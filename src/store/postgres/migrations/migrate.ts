import { StoreError } from '../../store-error.ts';
import type { Pool, Transaction } from '../client/pool.ts';
import { type Migration, MIGRATIONS } from './migrations.ts';

/** The key of the advisory lock that lets one server migrate at a time: any number that nothing else locks. */
const MIGRATION_LOCK = 7_236_514_208;
/** The oldest supported PostgreSQL, in the form of `server_version_num`. */
const MIN_SERVER_VERSION = 150_000;

/**
 * Migrates the database to the newest format, each migration in a transaction of its own. Of several servers that start
 * at once, one migrates at a time.
 * @param onApplied called after each migration with its version
 * @returns the versions that were applied, in ascending order
 * @throws StoreError for a database in a newer format than this program knows, or on an unsupported server
 */
export async function migrate(
  pool: Pool,
  migrations: readonly Migration[] = MIGRATIONS,
  onApplied: (version: number) => void = () => {},
): Promise<readonly number[]> {
  const newest = migrations.at(-1)?.version ?? 0;
  const applied: number[] = [];
  for (;;) {
    const version = await pool.transaction('BEGIN', new AbortController().signal, (tx) =>
      applyNext(tx, migrations, newest),
    );
    if (version === null) return applied;
    applied.push(version);
    onApplied(version);
  }
}

/** Applies the next migration. Resolves to its version, or to null when there is none. */
async function applyNext(
  tx: Transaction,
  migrations: readonly Migration[],
  newest: number,
): Promise<number | null> {
  const { sql, run } = tx;
  await run(sql`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK}::bigint)`);
  await checkServer(tx);
  const current = await prepareFormatVersion(tx);
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

/** The version of the database's format, 0 for an empty database, where the table of versions is created. */
async function prepareFormatVersion({ sql, run }: Transaction): Promise<number> {
  const [found] = await run(sql<{ schema: boolean; table: boolean }[]>`SELECT
    to_regnamespace('agent_graphql') IS NOT NULL AS schema,
    to_regclass('agent_graphql.migrations') IS NOT NULL AS table`);
  // Not `IF NOT EXISTS`, which needs the right to create it even where it exists.
  if (found?.schema === false) await run(sql`CREATE SCHEMA agent_graphql`);
  if (found?.table === false) {
    await run(sql`CREATE TABLE agent_graphql.migrations (
      version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())`);
  }
  return formatVersion({ sql, run });
}

/** The version of the database's format; 0 before its first migration. The table of versions must exist. */
export async function formatVersion({ sql, run }: Pick<Transaction, 'sql' | 'run'>): Promise<number> {
  const [row] = await run(sql<{ version: number | null }[]>`SELECT max(version) AS version
    FROM agent_graphql.migrations`);
  return row?.version ?? 0;
}

async function checkServer({ sql, run }: Transaction): Promise<void> {
  const [server] = await run(sql<{ version: number; encoding: string }[]>`SELECT
    current_setting('server_version_num')::integer AS version, current_setting('server_encoding') AS encoding`);
  if (server === undefined) return;
  if (server.version < MIN_SERVER_VERSION) {
    throw new StoreError('DATABASE_URL names a PostgreSQL that is too old: version 15 or later is needed.');
  }
  if (server.encoding !== 'UTF8') {
    throw new StoreError(
      `DATABASE_URL names a database in ${server.encoding}: create one with ENCODING 'UTF8'.`,
    );
  }
}
