import { NO_EXECUTION, type RunState } from '../../execution.ts';
import type { Owner } from '../../owner.ts';
import type { Assistant, Run, Thread } from '../../records.ts';
import { arrayLiteral } from '../client/array-literal.ts';
import type { Transaction } from '../client/pool.ts';
import { readExecutions } from '../tables/executions.ts';
import { TABLES } from '../tables/tables.ts';

/** Reads a thread: no other transaction changes it, or which of its runs comes next, until this one ends. */
export async function lockThread(
  { sql, run }: Transaction,
  owner: Owner,
  id: string,
): Promise<Thread | null> {
  const [thread] = await run(sql<
    Thread[]
  >`SELECT ${sql.unsafe(TABLES.thread.columns)} FROM agent_graphql.threads
    WHERE owner = ${owner} AND id = ${id} FOR UPDATE`);
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

/** Reads a run. Its execution must be locked, if the run is to be changed. */
export async function readRun({ sql, run }: Transaction, owner: Owner, id: string): Promise<Run | null> {
  const [found] = await run(sql<Run[]>`SELECT ${sql.unsafe(TABLES.run.columns)} FROM agent_graphql.runs
    WHERE owner = ${owner} AND id = ${id}::uuid`);
  return found ?? null;
}

/** The ids of the active runs of a thread that are executed next. */
async function firstActiveRuns(
  { sql, run }: Transaction,
  owner: Owner,
  threadId: string,
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
    readExecutions(tx, owner, runIds, 'FOR UPDATE'),
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
  if (wanted === 'any') return firstActiveRuns(tx, owner, threadId, 1);
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
