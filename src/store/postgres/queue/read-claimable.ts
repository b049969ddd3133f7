import { NO_EXECUTION } from '../../execution.ts';
import type { Owner } from '../../owner.ts';
import type { Assistant, Run } from '../../records.ts';
import type { ClaimedRun } from '../../rules/execution/run-queue.ts';
import { arrayLiteral } from '../client/array-literal.ts';
import { nameOwner } from '../client/database.ts';
import type { Transaction } from '../client/pool.ts';
import { findByIds } from '../tables/find-by-ids.ts';
import { TABLES } from '../tables/tables.ts';
import { readExecutions } from '../tables/executions.ts';

/** A run that can be claimed, with everything that its worker needs. */
export type ClaimableRun = Omit<ClaimedRun, 'now'>;

interface Payloads extends Pick<ClaimableRun, 'input' | 'values' | 'checkpoint'> {
  readonly id: string;
}

/** Reads runs of one owner that are locked. All statements are sent before the first `await`. */
export async function readClaimable(
  tx: Transaction,
  owner: Owner,
  ids: readonly string[],
): Promise<readonly ClaimableRun[]> {
  const { sql, run } = tx;
  const idList = arrayLiteral(ids);
  const [, runs, executions, assistants, payloads] = await Promise.all([
    nameOwner(tx, owner),
    findByIds<Run>(tx, owner, TABLES.run, ids),
    readExecutions(tx, owner, ids),
    run(sql<Assistant[]>`SELECT ${sql.unsafe(TABLES.assistant.columns)} FROM agent_graphql.assistants
      WHERE owner = ${owner} AND id IN (
        SELECT assistant_id FROM agent_graphql.runs WHERE owner = ${owner} AND id = ANY(${idList}::uuid[]))`),
    run(sql<Payloads[]>`SELECT runs.id, own.input, own.checkpoint, last.output AS values
      FROM agent_graphql.runs JOIN agent_graphql.threads
        ON threads.owner = ${owner} AND threads.id = runs.thread_id
      LEFT JOIN agent_graphql.run_payloads AS own ON own.owner = ${owner} AND own.run_id = runs.id
      LEFT JOIN agent_graphql.run_payloads AS last ON last.owner = ${owner} AND last.run_id = threads.values_run_id
      WHERE runs.owner = ${owner} AND runs.id = ANY(${idList}::uuid[])`),
  ]);
  return runs.flatMap((found) => {
    const assistant = assistants.find(({ id }) => id === found?.assistantId);
    if (found === null || assistant === undefined) return [];
    const own = payloads.find(({ id }) => id === found.id);
    return {
      owner,
      state: { run: found, execution: executions.get(found.id) ?? NO_EXECUTION },
      assistant,
      input: own?.input ?? null,
      values: own?.values ?? null,
      checkpoint: own?.checkpoint ?? null,
    };
  });
}
