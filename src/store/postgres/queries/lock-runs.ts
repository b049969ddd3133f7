import { NO_EXECUTION } from '../../execution.ts';
import type { StoredRun } from '../../rules/execution/steps.ts';
import type { Owner } from '../../owner.ts';
import type { Run, Thread } from '../../records.ts';
import { arrayLiteral } from '../client/array-literal.ts';
import type { Clock } from '../client/clock.ts';
import type { Transaction } from '../client/pool.ts';
import { readExecutions, type RowLock } from '../tables/executions.ts';
import { TABLES } from '../tables/tables.ts';
/** A run that is locked, with its thread and what the thread's state follows from. */
export interface LockedRun extends RunOfThread {
  readonly thread: Thread;
  readonly stored: StoredRun;
  /** In milliseconds since 1970. */
  readonly now: number;
}

/** What the state of a run's thread follows from. */
interface RunOfThread {
  /** Whether another run of the thread is pending or running. */
  readonly hasOtherActive: boolean;
  /** The run of the thread that ended last; null where none has. */
  readonly lastEnded: Pick<Run, 'id' | 'status' | 'ended'> | null;
}

/** Reads a run, and locks its thread and its execution: no other transaction changes it. */
export async function lockRun(
  tx: Transaction,
  owner: Owner,
  id: string,
  clock: Clock,
  lock: Exclude<RowLock, ''> = 'FOR UPDATE',
): Promise<LockedRun | null> {
  const [locked] = await lockRuns(tx, owner, [id], clock, lock);
  return locked ?? null;
}

/**
 * Reads and locks runs like {@link lockRun}. Of several runs, it must not wait for locks: transactions could wait for
 * each other.
 * @param lock with `SKIP LOCKED`, those that other transactions have locked, or their threads, are left out
 */
export async function lockRuns(
  tx: Transaction,
  owner: Owner,
  ids: readonly string[],
  clock: Clock,
  lock: Exclude<RowLock, ''>,
): Promise<readonly LockedRun[]> {
  const [threads, executions, runs, now] = await Promise.all([
    lockThreadsOf(tx, owner, ids, lock),
    readExecutions(tx, owner, ids, lock),
    readRuns(tx, owner, ids),
    clock(tx),
  ]);
  return runs.flatMap(({ run, lastEnded, hasOtherActive }) => {
    const thread = threads.get(run.id);
    const execution = executions.get(run.id);
    if (thread === undefined || (execution === undefined && lock !== 'FOR UPDATE')) return [];
    const stored = { run, execution: execution ?? NO_EXECUTION, nextEnded: (lastEnded?.ended ?? 0) + 1 };
    return { thread, stored, hasOtherActive, lastEnded, now };
  });
}

/** Locks the threads of runs. Returns them by the runs' ids. */
async function lockThreadsOf(
  { sql, run }: Transaction,
  owner: Owner,
  runIds: readonly string[],
  lock: Exclude<RowLock, ''>,
): Promise<ReadonlyMap<string, Thread>> {
  const rows = await run(sql<(Thread & { readonly runId: string })[]>`SELECT wanted.id AS "runId", found.*
    FROM unnest(${arrayLiteral(runIds)}::uuid[]) AS wanted (id) CROSS JOIN LATERAL (
      SELECT thread_id FROM agent_graphql.runs WHERE owner = ${owner} AND id = wanted.id LIMIT 1
    ) AS run CROSS JOIN LATERAL (
      SELECT ${sql.unsafe(TABLES.thread.columns)} FROM agent_graphql.threads
      WHERE owner = ${owner} AND id = run.thread_id LIMIT 1 ${sql.unsafe(lock)}
    ) AS found`);
  return new Map(rows.map(({ runId, ...thread }) => [runId, thread]));
}

interface RunRow extends Run {
  readonly lastId: string | null;
  readonly lastStatus: Run['status'] | null;
  readonly lastEnded: number | null;
  readonly hasOtherActive: boolean;
}

async function readRuns(
  { sql, run: send }: Transaction,
  owner: Owner,
  ids: readonly string[],
): Promise<readonly (RunOfThread & { readonly run: Run })[]> {
  const rows = await send(sql<RunRow[]>`SELECT found.*, last.*, other.run_id IS NOT NULL AS "hasOtherActive"
    FROM unnest(${arrayLiteral(ids)}::uuid[]) AS wanted (id) CROSS JOIN LATERAL (
      SELECT ${sql.unsafe(TABLES.run.columns)} FROM agent_graphql.runs WHERE owner = ${owner} AND id = wanted.id LIMIT 1
    ) AS found LEFT JOIN LATERAL (
      SELECT id AS "lastId", status AS "lastStatus", ended::float8 AS "lastEnded" FROM agent_graphql.runs
      WHERE owner = ${owner} AND thread_id = found."threadId" AND ended IS NOT NULL ORDER BY ended DESC LIMIT 1
    ) AS last ON true LEFT JOIN LATERAL (
      SELECT run_id FROM agent_graphql.executions
      WHERE owner = ${owner} AND thread_id = found."threadId" AND is_active AND run_id <> wanted.id
      ORDER BY has_begun DESC, available_at NULLS FIRST, created_at, run_id LIMIT 1
    ) AS other ON true`);
  return rows.map(({ lastId, lastStatus, lastEnded, hasOtherActive, ...run }) => {
    const hasLast = lastId !== null && lastStatus !== null && lastEnded !== null;
    return {
      run,
      hasOtherActive,
      lastEnded: hasLast ? { id: lastId, status: lastStatus, ended: lastEnded } : null,
    };
  });
}
