import type { Owner } from '../../owner.ts';
import type { Assistant, Run, Thread } from '../../records.ts';
import type { Transaction } from '../client/pool.ts';
import type { Condition } from './conditions.ts';
import { TABLES } from './tables.ts';

/**
 * Reads a thread `FOR UPDATE`: no other transaction changes it, or its runs, until this one ends.
 * @param id an expression
 */
export async function lockThread(tx: Transaction, owner: Owner, id: Condition): Promise<Thread | null> {
  const { sql, run } = tx;
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

/** A run whose thread is locked, with what the thread's status follows from. */
export interface LockedRun {
  readonly thread: Thread;
  readonly run: Run;
  /** How many runs of the thread are pending or running. */
  readonly active: number;
  /** The two runs of the thread that ended last, the last one first; fewer where fewer have ended. */
  readonly ended: readonly Pick<Run, 'id' | 'status' | 'ended'>[];
}

/** Reads a run and locks its thread: no other transaction changes the thread, or any of its runs. */
export async function lockRun(tx: Transaction, owner: Owner, id: string): Promise<LockedRun | null> {
  const { sql, run } = tx;
  const threadId = sql`(SELECT thread_id FROM agent_graphql.runs WHERE owner = ${owner} AND id = ${id}::uuid)`;
  const [thread, [found], [row], ended] = await Promise.all([
    lockThread(tx, owner, threadId),
    run(sql<Run[]>`SELECT ${sql.unsafe(TABLES.run.columns)} FROM agent_graphql.runs
      WHERE owner = ${owner} AND id = ${id}::uuid`),
    run(sql<{ active: number }[]>`SELECT count(*)::float8 AS active FROM agent_graphql.runs
      WHERE owner = ${owner} AND thread_id = ${threadId} AND ended IS NULL`),
    run(sql<LockedRun['ended'][number][]>`SELECT id, status, ended::float8 AS ended FROM agent_graphql.runs
      WHERE owner = ${owner} AND thread_id = ${threadId} AND ended IS NOT NULL ORDER BY ended DESC LIMIT 2`),
  ]);
  if (thread === null || found === undefined) return null;
  return { thread, run: found, active: row?.active ?? 0, ended };
}
