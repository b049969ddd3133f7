import type { Change, Creation } from '../../change.ts';
import type { Owner } from '../../owner.ts';
import { foldCase } from '../../rules/text.ts';
import type { Transaction } from '../client/pool.ts';
import { TABLES } from './tables.ts';

/** The columns of each table besides `owner`, with the key of the record that each holds, and its type. */
const COLUMNS: Readonly<
  Record<Change['resource'], readonly (readonly [column: string, key: string, type: string])[]>
> = {
  assistant: [
    ['id', 'id', 'uuid'],
    ['graph_id', 'graphId', 'text'],
    ['name', 'name', 'text'],
    ['folded_name', 'foldedName', 'text'],
    ['description', 'description', 'text'],
    ['config', 'config', 'json'],
    ['context', 'context', 'json'],
    ['metadata', 'metadata', 'json'],
    ['version', 'version', 'integer'],
    ['created_at', 'createdAt', 'timestamptz'],
    ['updated_at', 'updatedAt', 'timestamptz'],
  ],
  thread: [
    ['id', 'id', 'uuid'],
    ['status', 'status', 'text'],
    ['values_run_id', 'valuesRunId', 'uuid'],
    ['metadata', 'metadata', 'json'],
    ['created_at', 'createdAt', 'timestamptz'],
    ['updated_at', 'updatedAt', 'timestamptz'],
  ],
  run: [
    ['id', 'id', 'uuid'],
    ['thread_id', 'threadId', 'uuid'],
    ['assistant_id', 'assistantId', 'uuid'],
    ['status', 'status', 'text'],
    ['ended', 'ended', 'bigint'],
    ['has_input', 'hasInput', 'boolean'],
    ['has_output', 'hasOutput', 'boolean'],
    ['has_checkpoint', 'hasCheckpoint', 'boolean'],
    ['error', 'error', 'json'],
    ['interrupt', 'interrupt', 'json'],
    ['resumes', 'resumes', 'uuid'],
    ['multitask_strategy', 'multitaskStrategy', 'text'],
    ['attempt', 'attempt', 'integer'],
    ['max_attempts', 'maxAttempts', 'integer'],
    ['timeout_seconds', 'timeoutSeconds', 'integer'],
    ['assistant_version', 'assistantVersion', 'integer'],
    ['worker', 'worker', 'text'],
    ['available_at', 'availableAt', 'timestamptz'],
    ['started_at', 'startedAt', 'timestamptz'],
    ['finished_at', 'finishedAt', 'timestamptz'],
    ['cancel_requested_at', 'cancelRequestedAt', 'timestamptz'],
    ['traceparent', 'traceparent', 'text'],
    ['metadata', 'metadata', 'json'],
    ['created_at', 'createdAt', 'timestamptz'],
    ['updated_at', 'updatedAt', 'timestamptz'],
  ],
};

/** Inserts records of one kind and owner. */
export async function insertRows(
  { sql, run }: Transaction,
  owner: Owner,
  resource: Change['resource'],
  creations: readonly Creation[],
): Promise<void> {
  const columns = COLUMNS[resource];
  const names = columns.map(([column]) => column).join(', ');
  const keys = columns.map(([, key]) => `"${key}"`).join(', ');
  const types = columns.map(([, key, type]) => `"${key}" ${type}`).join(', ');
  await run(sql`INSERT INTO ${sql.unsafe(TABLES[resource].name)} (owner, ${sql.unsafe(names)})
    SELECT ${owner}, ${sql.unsafe(keys)}
    FROM json_to_recordset(${JSON.stringify(creations.map(toRow))}::text::json) AS rows (${sql.unsafe(types)})`);
}

function toRow({ resource, after }: Creation): object {
  return resource === 'assistant' ? { ...after, foldedName: foldCase(after.name) } : after;
}
