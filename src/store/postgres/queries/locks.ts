import type { Owner } from '../../owner.ts';
import type { Assistant, Thread } from '../../records.ts';
import type { Transaction } from '../client/pool.ts';
import { TABLES } from './rows.ts';
import type { Condition } from './search.ts';

/** A thread that nobody else changes until the transaction ends, nor its runs. @param id an expression */
export async function lockThread(tx: Transaction, owner: Owner, id: Condition): Promise<Thread | null> {
  const { sql, run } = tx;
  const [thread] = await run(sql<
    Thread[]
  >`SELECT ${sql.unsafe(TABLES.thread.columns)} FROM agent_graphql.threads
    WHERE owner = ${owner} AND id = ${id} FOR UPDATE`);
  return thread ?? null;
}

/** An assistant that nobody else changes (`FOR UPDATE`) or deletes (`FOR SHARE`) until the transaction ends. */
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
