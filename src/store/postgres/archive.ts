import type { DatabaseConfig } from '../../config.ts';
import type { Archive, Stored } from '../archive.ts';
import { type Change, RESOURCES } from '../change.ts';
import { isOwner, type Owner } from '../owner.ts';
import { readRecord } from '../rules/stored.ts';
import { compareCodePoints } from '../rules/text.ts';
import { StoreError } from '../store-error.ts';
import { insertAll } from './queries/insert-all.ts';
import { migrate, versionOf } from './migrations/migrate.ts';
import { MIGRATIONS } from './migrations/migrations.ts';
import type { Begin, Pool, Transaction } from './client/pool.ts';
import { TABLES } from './queries/rows.ts';
import { withPool } from './client/with-pool.ts';

/** Rows that are read at once, each of 200 KB at most. */
const FETCHED = 250;

/** All data in PostgreSQL, which has what other servers do while it is read, and stands still while it is filled. */
export function postgresArchive(config: DatabaseConfig): Archive {
  return {
    read: (take) =>
      withPool(config, (pool) =>
        patiently(pool, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', async (tx) => {
          await checkFormat(tx);
          await readAll(tx, take);
        }),
      ),
    fill: (records) =>
      withPool(config, async (pool) => {
        await migrate(pool);
        await patiently(pool, 'BEGIN', async (tx) => {
          await checkEmpty(tx);
          await insertAll(tx, records);
        });
      }),
  };
}

/** A transaction that may take as long as it takes, of this side and of the other. */
async function patiently(pool: Pool, begin: Begin, work: (tx: Transaction) => Promise<void>): Promise<void> {
  await pool.transaction(begin, new AbortController().signal, async (tx) => {
    await tx.run(tx.sql`SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '0', true),
      set_config('idle_in_transaction_session_timeout', '0', true), set_config('jit', 'off', true)`);
    await work(tx);
  });
}

/** Nothing is migrated to be read: it may be a copy that nobody can write. */
async function checkFormat({ sql, run }: Transaction): Promise<void> {
  const newest = MIGRATIONS.at(-1)?.version ?? 0;
  const [found] = await run(sql<{ exists: boolean }[]>`SELECT
    to_regclass('agent_graphql.migrations') IS NOT NULL AS exists`);
  if (found?.exists !== true)
    throw new StoreError('DATABASE_URL names a database without data of agent-graphql.');
  const version = await versionOf({ sql, run });
  if (version === newest) return;
  const remedy = version < newest ? '`npm run migrate` brings it up to date' : 'use the newer version';
  throw new StoreError(
    `DATABASE_URL names a database of format ${version}, and this version of agent-graphql reads ${newest}: ${remedy}.`,
  );
}

/** Keeps all others from writing, and checks that nobody has. */
async function checkEmpty({ sql, run }: Transaction): Promise<void> {
  const names = RESOURCES.map((kind) => TABLES[kind].name);
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

async function readAll(tx: Transaction, take: Parameters<Archive['read']>[0]): Promise<void> {
  await tx.run(tx.sql`SELECT set_config('agent_graphql.everybody', 'on', true)`);
  const sources = RESOURCES.map((kind) => new Source(tx, kind));
  for (const source of sources) await source.open();
  for (;;) {
    const [owner] = sources.flatMap((source) => source.owner ?? []).toSorted(compareCodePoints);
    if (owner === undefined) return;
    for (const source of sources) {
      while (source.owner === owner) await take(await source.next());
    }
  }
}

/** The records of one kind, sorted by owner and id. */
class Source {
  readonly #tx: Transaction;
  readonly #kind: Change['resource'];
  #ahead: readonly Stored[] = [];

  constructor(tx: Transaction, kind: Change['resource']) {
    this.#tx = tx;
    this.#kind = kind;
  }

  /** Whose the next records are; null after the last one. */
  get owner(): Owner | null {
    return this.#ahead[0]?.owner ?? null;
  }

  async open(): Promise<void> {
    const { name, columns } = TABLES[this.#kind];
    await this.#tx.run(
      this.#tx.sql.unsafe(`DECLARE all_${this.#kind} NO SCROLL CURSOR FOR
        SELECT owner, ${columns} FROM ${name} ORDER BY owner, id`),
    );
    await this.#fetch();
  }

  /** The next records, all of one owner. */
  async next(): Promise<readonly Stored[]> {
    const { owner } = this;
    const end = this.#ahead.findIndex((record) => record.owner !== owner);
    const records = end === -1 ? this.#ahead : this.#ahead.slice(0, end);
    if (end === -1) await this.#fetch();
    else this.#ahead = this.#ahead.slice(end);
    return records;
  }

  async #fetch(): Promise<void> {
    const rows = await this.#tx.run(this.#tx.sql.unsafe(`FETCH ${FETCHED} FROM all_${this.#kind}`));
    this.#ahead = rows.map((row) => readRow(this.#kind, row));
  }
}

function readRow(kind: Change['resource'], { owner, ...row }: Readonly<Record<string, unknown>>): Stored {
  if (!isOwner(owner)) throw new StoreError(`DATABASE_URL names a database with a ${kind} of nobody in it.`);
  const record = readRecord(kind, owner, row);
  if (!('problem' in record)) return { owner, ...record };
  throw new StoreError(
    `DATABASE_URL names a database that no server has written: the ${kind} ${String(row.id)} ${record.problem}.`,
  );
}
