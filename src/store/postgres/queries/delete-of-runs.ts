import type { Owner } from '../../owner.ts';
import { arrayLiteral } from '../client/array-literal.ts';
import type { Transaction } from '../client/pool.ts';
import { deleteKeys } from './create-once.ts';

/** Deletes all that belongs to runs besides their records. All statements are sent before the first `await`. */
export async function deleteOfRuns(tx: Transaction, owner: Owner, runIds: readonly string[]): Promise<void> {
  const { sql, run } = tx;
  const ids = arrayLiteral(runIds);
  await Promise.all([
    run(sql`DELETE FROM agent_graphql.run_payloads WHERE owner = ${owner} AND run_id = ANY(${ids}::uuid[])`),
    run(sql`DELETE FROM agent_graphql.run_events WHERE owner = ${owner} AND run_id = ANY(${ids}::uuid[])`),
    run(sql`DELETE FROM agent_graphql.executions WHERE owner = ${owner} AND run_id = ANY(${ids}::uuid[])`),
    deleteKeys(tx, owner, runIds),
  ]);
}
