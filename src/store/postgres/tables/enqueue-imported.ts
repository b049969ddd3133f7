import type { Owner } from '../../owner.ts';
import type { Transaction } from '../client/pool.ts';

/**
 * Puts the active runs of an owner into the queue after all of the owner's records were inserted. Those without an
 * execution get one. What is due is found out by the sweeper. All statements are sent before the first `await`.
 */
export async function enqueueImported({ sql, run }: Transaction, owner: Owner): Promise<void> {
  await Promise.all([
    run(sql`INSERT INTO agent_graphql.executions (owner, run_id, thread_id, graph_id, created_at, is_active, has_begun,
        available_at, due_at)
      SELECT ${owner}, runs.id, thread_id, graph_id, runs.created_at, true, status = 'RUNNING', available_at,
        CASE WHEN status = 'RUNNING' THEN '-infinity'::timestamptz END
      FROM agent_graphql.runs JOIN agent_graphql.assistants
        ON assistants.owner = ${owner} AND assistants.id = runs.assistant_id
      WHERE runs.owner = ${owner} AND ended IS NULL ON CONFLICT (owner, run_id) DO NOTHING`),
    run(sql`UPDATE agent_graphql.executions
      SET head = CASE WHEN first.available_at <= clock_timestamp() THEN 'READY' ELSE 'DELAYED' END
      FROM (
        SELECT DISTINCT ON (thread_id) run_id, available_at FROM agent_graphql.executions
        WHERE owner = ${owner} AND is_active
        ORDER BY thread_id, has_begun DESC, available_at NULLS FIRST, created_at, run_id
      ) AS first
      WHERE owner = ${owner} AND executions.run_id = first.run_id AND first.available_at IS NOT NULL`),
  ]);
}
