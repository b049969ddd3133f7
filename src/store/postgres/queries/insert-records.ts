import type { ArchiveEntry, OwnedRecord } from '../../archive.ts';
import type { Change } from '../../change.ts';
import type { Owner } from '../../owner.ts';
import { foldCase } from '../../rules/text.ts';
import { nameOwner } from '../client/database.ts';
import type { Transaction } from '../client/pool.ts';
import { enqueueImported } from '../tables/enqueue-imported.ts';
import { DETAIL_TABLES, insertDetails } from './insert-details.ts';
import { TABLES } from '../tables/tables.ts';

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

/** Inserts records and details into empty tables, and updates the planner's statistics. */
export async function insertRecords(
  tx: Transaction,
  batches: AsyncIterable<readonly ArchiveEntry[]>,
): Promise<void> {
  let owner: Owner | null = null;
  let sent: Promise<unknown> = Promise.resolve();
  for await (const batch of batches) {
    const statements: Promise<unknown>[] = [];
    for (const group of groupByKind(batch)) {
      const [first] = group;
      if (first === undefined) continue;
      if (first.owner !== owner) {
        if (owner !== null) statements.push(enqueueImported(tx, owner));
        statements.push(nameOwner(tx, (owner = first.owner)));
      }
      statements.push(insertGroup(tx, first, group));
    }
    const inserted = Promise.all(statements);
    // It is awaited after the next batch was read: until then, a rejection is not unhandled.
    inserted.catch(() => {});
    await sent;
    sent = inserted;
  }
  await sent;
  if (owner !== null) await enqueueImported(tx, owner);
  const tables = [...Object.values(TABLES).map(({ name }) => name), ...DETAIL_TABLES];
  for (const name of tables) await tx.run(tx.sql.unsafe(`ANALYZE ${name}`));
}

/** Consecutive entries of the same owner and kind, in their order. */
function groupByKind(entries: readonly ArchiveEntry[]): readonly (readonly ArchiveEntry[])[] {
  const groups: ArchiveEntry[][] = [];
  for (const entry of entries) {
    const last = groups.at(-1);
    const [first] = last ?? [];
    if (first?.owner === entry.owner && kindOf(first) === kindOf(entry)) last?.push(entry);
    else groups.push([entry]);
  }
  return groups;
}

function kindOf(entry: ArchiveEntry) {
  return 'detail' in entry ? entry.detail : entry.resource;
}

function insertGroup(tx: Transaction, first: ArchiveEntry, group: readonly ArchiveEntry[]): Promise<void> {
  const { owner } = first;
  return 'detail' in first
    ? insertDetails(
        tx,
        owner,
        first.detail,
        group.filter((entry) => 'detail' in entry),
      )
    : insert(
        tx,
        first,
        group.filter((entry) => 'resource' in entry),
      );
}

async function insert(
  { sql, run }: Transaction,
  { owner, resource }: OwnedRecord,
  records: readonly OwnedRecord[],
): Promise<void> {
  const columns = COLUMNS[resource];
  const names = columns.map(([column]) => column).join(', ');
  const keys = columns.map(([, key]) => `"${key}"`).join(', ');
  const types = columns.map(([, key, type]) => `"${key}" ${type}`).join(', ');
  await run(sql`INSERT INTO ${sql.unsafe(TABLES[resource].name)} (owner, ${sql.unsafe(names)})
    SELECT ${owner}, ${sql.unsafe(keys)}
    FROM json_to_recordset(${JSON.stringify(records.map(toRow))}::text::json) AS rows (${sql.unsafe(types)})`);
}

function toRow({ resource, after }: OwnedRecord): object {
  return resource === 'assistant' ? { ...after, foldedName: foldCase(after.name) } : after;
}
