import type { Owner } from '../../owner.ts';
import type { Run, Thread } from '../../records.ts';
import type { Transaction } from '../client/pool.ts';

/**
 * Stores changed runs, whose metadata are as they were. The rows are there: `ON CONFLICT` finds them by their primary
 * key, whatever statistics the planner has, and writes no other metadata.
 */
export async function updateRuns(
  { sql, run }: Transaction,
  owner: Owner,
  runs: readonly Run[],
): Promise<void> {
  const rows = runs.map((one) => ({ ...one, metadata: undefined }));
  await run(sql`INSERT INTO agent_graphql.runs (owner, id, thread_id, assistant_id, metadata, created_at, status, ended,
      has_output, has_checkpoint, error, interrupt, attempt, assistant_version, worker, available_at, started_at,
      finished_at, cancel_requested_at, updated_at)
    SELECT ${owner}, id, "threadId", "assistantId", '{}', "createdAt", status, ended, "hasOutput", "hasCheckpoint", error,
      interrupt, attempt, "assistantVersion", worker, "availableAt", "startedAt", "finishedAt", "cancelRequestedAt",
      "updatedAt"
    FROM json_to_recordset(${JSON.stringify(rows)}::text::json) AS rows (id uuid, "threadId" uuid, "assistantId" uuid,
      "createdAt" timestamptz, status text, ended bigint, "hasOutput" boolean, "hasCheckpoint" boolean, error json,
      interrupt json, attempt integer, "assistantVersion" integer, worker text, "availableAt" timestamptz,
      "startedAt" timestamptz, "finishedAt" timestamptz, "cancelRequestedAt" timestamptz, "updatedAt" timestamptz)
    ON CONFLICT (owner, id) DO UPDATE SET status = excluded.status, ended = excluded.ended,
      has_output = excluded.has_output, has_checkpoint = excluded.has_checkpoint, error = excluded.error,
      interrupt = excluded.interrupt, attempt = excluded.attempt, assistant_version = excluded.assistant_version,
      worker = excluded.worker, available_at = excluded.available_at, started_at = excluded.started_at,
      finished_at = excluded.finished_at, cancel_requested_at = excluded.cancel_requested_at,
      updated_at = excluded.updated_at`);
}

/** Stores changed threads, whose metadata are as they were, like {@link updateRuns}. */
export async function updateThreads(
  { sql, run }: Transaction,
  owner: Owner,
  threads: readonly Thread[],
): Promise<void> {
  const rows = threads.map((thread) => ({ ...thread, metadata: undefined }));
  await run(sql`INSERT INTO agent_graphql.threads (owner, id, status, values_run_id, metadata, created_at, updated_at)
    SELECT ${owner}, id, status, "valuesRunId", '{}', "createdAt", "updatedAt"
    FROM json_to_recordset(${JSON.stringify(rows)}::text::json)
      AS rows (id uuid, status text, "valuesRunId" uuid, "createdAt" timestamptz, "updatedAt" timestamptz)
    ON CONFLICT (owner, id) DO UPDATE SET status = excluded.status, values_run_id = excluded.values_run_id,
      updated_at = excluded.updated_at`);
}
