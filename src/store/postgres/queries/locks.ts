import { NO_EXECUTION, type RunState } from '../../execution.ts';
import type { Owner } from '../../owner.ts';
import type { Assistant, Run, Thread } from '../../records.ts';
import type { StoredRun } from '../../rules/execution/steps.ts';
import { arrayLiteral } from '../client/array-literal.ts';
import type { Clock } from '../client/clock.ts';
import type { Transaction } from '../client/pool.ts';
import { lockExecution, lockExecutions } from '../tables/executions.ts';
import type { Condition } from './conditions.ts';
import { TABLES } from '../tables/tables.ts';

/** How a thread is locked. */
type ThreadLock = 'FOR UPDATE' | 'FOR UPDATE SKIP LOCKED';

/**
 * Reads a thread: no other transaction changes it, or which of its runs comes next, until this one ends.
 * @param id an expression
 * @param lock with `SKIP LOCKED`, a thread that another transaction has locked counts as none
 */
export async function lockThread(
  tx: Transaction,
  owner: Owner,
  id: Condition,
  lock: ThreadLock = 'FOR UPDATE',
): Promise<Thread | null> {
  const { sql, run } = tx;
  const [thread] = await run(sql<
    Thread[]
  >`SELECT ${sql.unsafe(TABLES.thread.columns)} FROM agent_graphql.threads
    WHERE owner = ${owner} AND id = ${id} ${sql.unsafe(lock)}`);
  return thread ?? null;
}

/** Reads an assistant that no other transaction changes (`FOR UPDATE`) or deletes (`FOR SHARE`) until this one ends. */
export async function lockAssistant(
  tx: Transaction,
  owner: Owner,
  id: string,
  lock: 'FOR UPDATE' | 'FOR SHARE',
): Promise<Assistant | null> {
  const { sql, run } = tx;
  const [assistant] = await run(sql<Assistant[]>`SELECT ${sql.unsafe(TABLES.assistant.columns)}
    FROM agent_graphql.assistants WHERE owner = ${owner} AND id = ${id} ${sql.unsafe(lock)}`);
  return assistant ?? null;
}

/** A run whose thread is locked, with what the thread's state follows from. */
export interface LockedRun {
  readonly thread: Thread;
  readonly stored: StoredRun;
  /** Whether another run of the thread is pending or running. */
  readonly hasOtherActive: boolean;
  /** The two runs of the thread that ended last, the last one first; fewer where fewer have ended. */
  readonly ended: readonly Pick<Run, 'id' | 'status' | 'ended'>[];
  /** In milliseconds since 1970. */
  readonly now: number;
}

/** Reads a run, and locks its thread and its execution: no other transaction changes it. */
export async function lockRun(
  tx: Transaction,
  owner: Owner,
  id: string,
  clock: Clock,
  lock: ThreadLock = 'FOR UPDATE',
): Promise<LockedRun | null> {
  const { sql, run } = tx;
  const threadId = sql`(SELECT thread_id FROM agent_graphql.runs WHERE owner = ${owner} AND id = ${id}::uuid)`;
  const [thread, execution, found, others, ended, now] = await Promise.all([
    lockThread(tx, owner, threadId, lock),
    lockExecution(tx, owner, id),
    readRun(tx, owner, id),
    firstActiveRuns(tx, owner, threadId, 2),
    run(sql<LockedRun['ended'][number][]>`SELECT id, status, ended::float8 AS ended FROM agent_graphql.runs
      WHERE owner = ${owner} AND thread_id = ${threadId} AND ended IS NOT NULL ORDER BY ended DESC LIMIT 2`),
    clock(tx),
  ]);
  if (thread === null || found === null) return null;
  return {
    thread,
    stored: { run: found, execution, nextEnded: (ended[0]?.ended ?? 0) + 1 },
    hasOtherActive: others.some((other) => other !== id),
    ended,
    now,
  };
}

/** Reads a run. Its execution must be locked, if the run is to be changed. */
export async function readRun({ sql, run }: Transaction, owner: Owner, id: string): Promise<Run | null> {
  const [found] = await run(sql<Run[]>`SELECT ${sql.unsafe(TABLES.run.columns)} FROM agent_graphql.runs
    WHERE owner = ${owner} AND id = ${id}::uuid`);
  return found ?? null;
}

/** The ids of the active runs of a thread that are executed next. @param threadId an expression */
async function firstActiveRuns(
  { sql, run }: Transaction,
  owner: Owner,
  threadId: Condition,
  limit: number,
): Promise<readonly string[]> {
  const rows = await run(sql<{ id: string }[]>`SELECT run_id AS id FROM agent_graphql.executions
    WHERE owner = ${owner} AND thread_id = ${threadId} AND is_active
    ORDER BY has_begun DESC, available_at NULLS FIRST, created_at, run_id LIMIT ${limit}`);
  return rows.map(({ id }) => id);
}

/**
 * Reads active runs of a thread, in the order in which they were created, and locks their executions. The thread must be
 * locked.
 * @param wanted all of them, any one of them, or one that resumes a run
 */
export async function lockActiveRuns(
  tx: Transaction,
  owner: Owner,
  threadId: string,
  wanted: 'all' | 'any' | { readonly resumes: string },
): Promise<readonly RunState[]> {
  const { sql, run } = tx;
  const runIds = await findActiveRuns(tx, owner, threadId, wanted);
  if (runIds.length === 0) return [];
  const [executions, runs] = await Promise.all([
    lockExecutions(tx, owner, runIds),
    run(sql<Run[]>`SELECT ${sql.unsafe(TABLES.run.columns)} FROM agent_graphql.runs
      WHERE owner = ${owner} AND id = ANY(${arrayLiteral(runIds)}::uuid[]) ORDER BY created_at, id`),
  ]);
  return runs.map((found) => ({ run: found, execution: executions.get(found.id) ?? NO_EXECUTION }));
}

async function findActiveRuns(
  tx: Transaction,
  owner: Owner,
  threadId: string,
  wanted: Parameters<typeof lockActiveRuns>[3],
): Promise<readonly string[]> {
  const { sql, run } = tx;
  if (wanted === 'any') return firstActiveRuns(tx, owner, sql`${threadId}::uuid`, 1);
  const condition = wanted === 'all' ? sql`` : sql`AND resumes = ${wanted.resumes} LIMIT 1`;
  const rows = await run(sql<{ id: string }[]>`SELECT id FROM agent_graphql.runs
    WHERE owner = ${owner} AND thread_id = ${threadId} AND ended IS NULL ${condition}`);
  return rows.map(({ id }) => id);
}

/** Makes the workers' calls about the active runs of a thread, which is locked, wait until this transaction ends. */
export async function lockExecutionsOfThread(
  { sql, run }: Transaction,
  owner: Owner,
  threadId: string,
): Promise<void> {
  await run(sql`SELECT FROM agent_graphql.executions WHERE owner = ${owner} AND thread_id = ${threadId} AND is_active
    FOR UPDATE`);
}
