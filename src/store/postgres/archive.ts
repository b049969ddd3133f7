import type { Archive } from '../archive.ts';
import { RESOURCES } from '../change.ts';
import { StoreError } from '../store-error.ts';
import type { DatabaseConfig } from './client/database-config.ts';
import type { BeginStatement, Pool, Transaction } from './client/pool.ts';
import { withPool } from './client/with-pool.ts';
import { formatVersion, migrate } from './migrations/migrate.ts';
import { MIGRATIONS } from './migrations/migrations.ts';
import { insertRecords } from './queries/insert-records.ts';
import { readAllRecords } from './queries/read-all-records.ts';
import { TABLES } from './tables/tables.ts';
import { PARTITIONS_LOCK } from './queue/old-events.ts';

/** All records in a database. Servers may use it while it is read; while it is filled, their writes wait. */
export function postgresArchive(config: DatabaseConfig): Archive {
  return {
    read: (onBatch) =>
      withPool(config, (pool) =>
        withoutTimeouts(pool, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', async (tx) => {
          await checkFormat(tx);
          await readAllRecords(tx, onBatch);
        }),
      ),
    fill: (batches) =>
      withPool(config, async (pool) => {
        await migrate(pool);
        await withoutTimeouts(pool, 'BEGIN', async (tx) => {
          await lockEmptyTables(tx);
          await insertRecords(tx, batches);
        });
      }),
  };
}

/** Runs a transaction without a time limit: sessions have none, see `session-settings.ts`. */
async function withoutTimeouts(
  pool: Pool,
  begin: BeginStatement,
  work: (tx: Transaction) => Promise<void>,
): Promise<void> {
  await pool.transaction(begin, new AbortController().signal, async (tx) => {
    // A generic plan of an import would be one for tables that are still empty.
    await tx.run(
      tx.sql`SELECT set_config('jit', 'off', true), set_config('plan_cache_mode', 'force_custom_plan', true)`,
    );
    await work(tx);
  });
}

/** Checks that the format is the current one. It is not migrated for a read: the database may be a read-only copy. */
async function checkFormat({ sql, run }: Transaction): Promise<void> {
  const newest = MIGRATIONS.at(-1)?.version ?? 0;
  const [found] = await run(sql<{ exists: boolean }[]>`SELECT
    to_regclass('agent_graphql.migrations') IS NOT NULL AS exists`);
  if (found?.exists !== true)
    throw new StoreError('DATABASE_URL names a database without data of agent-graphql.');
  const version = await formatVersion({ sql, run });
  if (version === newest) return;
  const remedy = version < newest ? '`npm run migrate` brings it up to date' : 'use the newer version';
  throw new StoreError(
    `DATABASE_URL names a database of format ${version}, and this version of agent-graphql reads ${newest}: ${remedy}.`,
  );
}

/** Makes all other writers wait, and checks that the tables are empty. */
async function lockEmptyTables({ sql, run }: Transaction): Promise<void> {
  // No server drops a partition whose events it cannot see yet.
  await run(sql`SELECT pg_advisory_xact_lock(${PARTITIONS_LOCK}::bigint)`);
  const names = RESOURCES.map((resource) => TABLES[resource].name);
  await run(sql.unsafe(`LOCK TABLE ${names.join(', ')} IN EXCLUSIVE MODE`));
  await run(sql`SELECT set_config('agent_graphql.everybody', 'on', true)`);
  for (const name of names) {
    const rows = await run(sql.unsafe(`SELECT FROM ${name} LIMIT 1`));
    if (rows.length > 0) {
      throw new StoreError('DATABASE_URL names a database with records in it: import into an empty one.');
    }
  }
  await run(sql`SELECT set_config('agent_graphql.everybody', '', true)`);
}
