import type { Owner } from '../../owner.ts';
import type { Assistant } from '../../records.ts';
import type { Transaction } from '../client/pool.ts';
import type { Announcements } from '../notifications/announcer.ts';
import { CHANNEL } from '../notifications/change-log.ts';
import type { StoreDependencies } from './dependencies.ts';
import { lockAssistant } from './locks.ts';

/**
 * Reads an assistant `FOR UPDATE` whose graph may change: the threads of its active runs are locked first, as in all
 * transactions, so that those runs can be changed.
 */
export async function lockForMove(
  tx: Transaction,
  owner: Owner,
  id: string,
  graphId: string,
): Promise<Assistant | null> {
  const { sql, run } = tx;
  const [current] = await run(sql<
    { graphId: string }[]
  >`SELECT graph_id AS "graphId" FROM agent_graphql.assistants
    WHERE owner = ${owner} AND id = ${id}`);
  if (current !== undefined && current.graphId !== graphId) {
    await run(sql`SELECT FROM agent_graphql.threads WHERE owner = ${owner} AND id IN (
        SELECT thread_id FROM agent_graphql.runs WHERE owner = ${owner} AND assistant_id = ${id} AND ended IS NULL
      ) ORDER BY id FOR UPDATE`);
  }
  return lockAssistant(tx, owner, id, 'FOR UPDATE');
}

/** Moves the active runs of an assistant to its new graph: they are given to the workers of that one from now on. */
export async function moveWaitingRuns(
  { announcer }: Pick<StoreDependencies, 'announcer'>,
  tx: Transaction,
  announcements: Announcements,
  owner: Owner,
  { id, graphId }: Assistant,
): Promise<void> {
  const { sql, run } = tx;
  const [moved] = await run(sql<{ count: number }[]>`WITH moved AS (
      UPDATE agent_graphql.executions SET graph_id = ${graphId} WHERE owner = ${owner} AND run_id IN (
        SELECT id FROM agent_graphql.runs WHERE owner = ${owner} AND assistant_id = ${id} AND ended IS NULL
      ) RETURNING head
    ), ready AS (SELECT count(*)::integer AS count FROM moved WHERE head = 'READY')
    SELECT count, CASE WHEN count > 0 THEN pg_notify(${CHANNEL},
      json_build_array('ready', ${announcer.serverId}::text, ${owner}::text, ${graphId}::text, count)::text) END FROM ready`);
  const count = moved?.count ?? 0;
  if (count > 0) announcements.ready.push({ owner, graphId, count });
}
