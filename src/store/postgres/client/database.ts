import type { Owner } from '../../owner.ts';
import type { BeginStatement, Pool, Transaction } from './pool.ts';
import { withTimeout } from './timeout.ts';

/** The database as the stores use it. */
export interface Database {
  readonly pool: Pool;
  /** In milliseconds. */
  readonly statementTimeout: number;
}

/**
 * When the statements of a transaction are planned. `each time` suits all of them: a generic plan takes every owner for a
 * small one, and may read all rows of a large one to look up a few. `once`, for each connection, is for statements that
 * leave the planner no choice: inserts, also with `ON CONFLICT`, and lookups of rows by their whole primary key, or of
 * the first row of an index. No table is scanned then. In a table that is nearly empty all indexes are the same to the
 * planner, and such a plan must not outlive that: plans are kept for {@link PLAN_TIME}.
 */
export type Planning = 'each time' | 'once';

/** How a read-write transaction is configured. */
export interface TransactionOptions {
  /** Default: `each time`. */
  readonly planning?: Planning;
  /** Whether it reads and changes the queue of all owners. Default: that of its owner alone. */
  readonly onQueue?: boolean;
}

/** How long a connection keeps its plans, in milliseconds. */
const PLAN_TIME = 5_000;

/** When the plans of a connection were made at the earliest, by `performance.now()`. */
const plannedAt = new WeakMap<Transaction['sql'], number>();

/**
 * Runs a read-write transaction of one owner: all of it is stored, or nothing.
 * @throws StoreUnavailable when the database cannot do it now
 */
export async function runInTransaction<T>(
  database: Database,
  owner: Owner,
  work: (tx: Transaction) => Promise<T>,
  options?: TransactionOptions,
): Promise<T> {
  return withTimeout(database, (signal) => ownerTransaction(database, 'BEGIN', owner, signal, work, options));
}

/**
 * Runs a read-write transaction on the queue of all owners, without an owner of its own.
 * @throws StoreUnavailable when the database cannot do it now
 */
export async function runOnQueue<T>(database: Database, work: (tx: Transaction) => Promise<T>): Promise<T> {
  return withTimeout(database, (signal) =>
    ownerTransaction(database, 'BEGIN', '', signal, work, { onQueue: true }),
  );
}

/** Names another owner, for the rest of a transaction on the queue of all owners. */
export async function nameOwner({ sql, run }: Transaction, owner: Owner): Promise<void> {
  await run(sql`SELECT set_config('agent_graphql.owner', ${owner}, true)`);
}

/**
 * Lets the statements that follow in a transaction be planned once for each connection. They must leave the planner no
 * choice: inserts, also with `ON CONFLICT`.
 */
export async function planOnce({ sql, run }: Transaction): Promise<void> {
  await run(sql`SELECT set_config('plan_cache_mode', 'force_generic_plan', true)`);
}

/** Runs a transaction of one owner, or of none, without a time limit of its own. */
export async function ownerTransaction<T>(
  { pool, statementTimeout }: Database,
  begin: BeginStatement,
  owner: Owner | '',
  signal: AbortSignal,
  work: (tx: Transaction) => Promise<T>,
  { planning = 'each time', onQueue = false }: TransactionOptions = {},
): Promise<T> {
  return pool.transaction(begin, signal, async (tx) => {
    const configured = [
      ...(planning === 'once' ? [discardOldPlans(tx)] : []),
      configureTransaction(tx, owner, statementTimeout, planning, onQueue),
    ];
    const [result] = await Promise.all([work(tx), ...configured]);
    return result;
  });
}

async function discardOldPlans({ sql, run }: Transaction): Promise<void> {
  const now = performance.now();
  if (now - (plannedAt.get(sql) ?? -PLAN_TIME) < PLAN_TIME) return;
  plannedAt.set(sql, now);
  await run(sql`DISCARD PLANS`);
}

/** `idle_in_transaction_session_timeout`, in milliseconds: PostgreSQL then ends the transaction and its locks. */
const IDLE_IN_TRANSACTION = '10000';

/**
 * Names the owner of a transaction, which sees and writes no rows before. All settings are local to the transaction, so
 * that connections can be shared. Bitmap scans are only for metadata searches: see `metadata-search.ts`.
 */
async function configureTransaction(
  tx: Transaction,
  owner: Owner | '',
  statementTimeout: number,
  planning: Planning,
  onQueue: boolean,
): Promise<void> {
  const [plans, scans] = planning === 'once' ? ['force_generic_plan', 'off'] : ['force_custom_plan', 'on'];
  await tx.run(tx.sql`SELECT set_config('agent_graphql.owner', ${owner}, true),
    set_config('agent_graphql.worker', ${onQueue ? 'on' : ''}, true),
    set_config('statement_timeout', ${String(statementTimeout)}, true),
    set_config('idle_in_transaction_session_timeout', ${IDLE_IN_TRANSACTION}, true),
    set_config('enable_bitmapscan', 'off', true), set_config('jit', 'off', true),
    set_config('plan_cache_mode', ${plans}, true), set_config('enable_seqscan', ${scans}, true)`);
}
