import { NO_EXECUTION } from '../../execution.ts';
import type { Owner } from '../../owner.ts';
import type { Assistant, Run } from '../../records.ts';
import type { ClaimedRun } from '../../rules/execution/run-queue.ts';
import type { Transaction } from '../client/pool.ts';
import { readWantedExecutions } from '../tables/executions.ts';
import { TABLES } from '../tables/tables.ts';

/** A run that can be claimed, with what its worker needs besides payloads. */
export interface ClaimableRun extends Pick<ClaimedRun, 'owner' | 'state' | 'assistant'> {
  /** The run whose output is its thread's values. */
  readonly valuesRunId: string | null;
  /** The bytes of its payloads and its thread's values. */
  readonly bytes: number;
}

/** The payloads of a run that is claimed. */
export type ClaimPayloads = Pick<ClaimedRun, 'input' | 'values' | 'checkpoint'>;

/** The payloads of a run without any. */
export const NO_CLAIM_PAYLOADS: ClaimPayloads = { input: null, values: null, checkpoint: null };

/**
 * Locks the threads of the runs of one owner that the transaction has taken, and reads those runs, without those whose
 * threads other transactions have locked: it never waits. All statements are sent before the first `await`.
 */
export async function readClaimable(tx: Transaction, owner: Owner): Promise<readonly ClaimableRun[]> {
  const { sql, run } = tx;
  // As `claim.ts` sets it. A statement cannot be given the runs themselves: it may be sent before they are known.
  const taken = sql`(SELECT id, thread AS thread_id
    FROM json_to_recordset(current_setting('agent_graphql.taken')::json) AS taken (owner text, id uuid, thread uuid)
    WHERE owner = ${owner}) AS wanted`;
  // Each row is looked up by its primary key, whatever statistics the planner has: it keeps LIMIT out of a join.
  const [threads, runs, executions, assistants] = await Promise.all([
    run(sql<{ id: string }[]>`SELECT found.id FROM ${taken} CROSS JOIN LATERAL (
        SELECT id FROM agent_graphql.threads WHERE owner = ${owner} AND id = wanted.thread_id LIMIT 1 FOR UPDATE SKIP LOCKED
      ) AS found`),
    run(sql<
      (Run & Pick<ClaimableRun, 'valuesRunId' | 'bytes'>)[]
    >`SELECT found.*, thread.values_run_id AS "valuesRunId",
        coalesce(own.bytes, 0) + coalesce(last.bytes, 0) AS bytes
      FROM ${taken} CROSS JOIN LATERAL (
        SELECT ${sql.unsafe(TABLES.run.columns)} FROM agent_graphql.runs WHERE owner = ${owner} AND id = wanted.id LIMIT 1
      ) AS found LEFT JOIN LATERAL (
        SELECT coalesce(octet_length(input), 0) + coalesce(octet_length(checkpoint), 0) AS bytes
        FROM agent_graphql.run_payloads WHERE owner = ${owner} AND run_id = wanted.id LIMIT 1
      ) AS own ON true LEFT JOIN LATERAL (
        SELECT values_run_id FROM agent_graphql.threads WHERE owner = ${owner} AND id = wanted.thread_id LIMIT 1
      ) AS thread ON true LEFT JOIN LATERAL (
        SELECT octet_length(output) AS bytes
        FROM agent_graphql.run_payloads WHERE owner = ${owner} AND run_id = thread.values_run_id LIMIT 1
      ) AS last ON true`),
    readWantedExecutions(tx, owner, taken),
    run(sql<Assistant[]>`SELECT found.* FROM (
        SELECT DISTINCT assistant_id FROM ${taken} CROSS JOIN LATERAL (
          SELECT assistant_id FROM agent_graphql.runs WHERE owner = ${owner} AND id = wanted.id LIMIT 1
        ) AS run
      ) AS wanted CROSS JOIN LATERAL (
        SELECT ${sql.unsafe(TABLES.assistant.columns)} FROM agent_graphql.assistants
        WHERE owner = ${owner} AND id = wanted.assistant_id LIMIT 1
      ) AS found`),
  ]);
  const locked = new Set(threads.map(({ id }) => id));
  const assistantById = new Map(assistants.map((assistant) => [assistant.id, assistant]));
  return runs.flatMap(({ valuesRunId, bytes, ...found }) => {
    const assistant = assistantById.get(found.assistantId);
    if (assistant === undefined || !locked.has(found.threadId)) return [];
    return {
      owner,
      state: { run: found, execution: executions.get(found.id) ?? NO_EXECUTION },
      assistant,
      valuesRunId,
      bytes,
    };
  });
}

/** Reads the payloads of runs of one owner, and the values of their threads, by the runs' ids. */
export async function readClaimPayloads(
  { sql, run }: Transaction,
  owner: Owner,
  runs: readonly ClaimableRun[],
): Promise<ReadonlyMap<string, ClaimPayloads>> {
  const wanted = runs.map(({ state, valuesRunId }) => ({ id: state.run.id, last: valuesRunId }));
  const rows = await run(sql<
    (ClaimPayloads & { readonly id: string })[]
  >`SELECT wanted.id, own.input, own.checkpoint,
      last.output AS values
    FROM json_to_recordset(${JSON.stringify(wanted)}::text::json) AS wanted (id uuid, last uuid) LEFT JOIN LATERAL (
      SELECT input, checkpoint FROM agent_graphql.run_payloads WHERE owner = ${owner} AND run_id = wanted.id LIMIT 1
    ) AS own ON true LEFT JOIN LATERAL (
      SELECT output FROM agent_graphql.run_payloads WHERE owner = ${owner} AND run_id = wanted.last LIMIT 1
    ) AS last ON true`);
  return new Map(rows.map(({ id, ...payloads }) => [id, payloads]));
}
