import { type Change, type Creation, RESOURCES } from '../../change.ts';
import type { Owner } from '../../owner.ts';
import type { Assistant, Run, Thread } from '../../records.ts';
import { foldCase } from '../../rules/text.ts';
import { arrayLiteral } from '../client/array-literal.ts';
import type { Sql } from '../client/connect.ts';
import type { Transaction } from '../client/pool.ts';
import { insertRows } from '../tables/insert-rows.ts';
import { updateRuns, updateThreads } from '../tables/update-records.ts';

/** Stores the changes of a mutation, of different records, which the transaction has locked. */
export async function writeChanges(tx: Transaction, owner: Owner, changes: readonly Change[]): Promise<void> {
  const { sql } = tx;
  const deletedRunIds = changes.flatMap(({ resource, before, after }) =>
    resource === 'run' && before !== null && after === null ? [before.id] : [],
  );
  const runs = changes.flatMap((change) =>
    change.resource === 'run' && keepsMetadata(change) ? change.after : [],
  );
  const threads = changes.flatMap((change) =>
    change.resource === 'thread' && keepsMetadata(change) ? change.after : [],
  );
  const creations = changes.filter(isCreation);
  const statements = changes.flatMap((change) => writeChange(sql, owner, change) ?? []);
  if (deletedRunIds.length > 0) {
    // Before their thread: the foreign key of runs refers to it.
    statements.unshift(
      sql`DELETE FROM agent_graphql.runs WHERE owner = ${owner} AND id = ANY(${arrayLiteral(deletedRunIds)}::uuid[])`,
    );
  }
  await Promise.all([
    ...statements.map((statement) => tx.run(statement)),
    ...RESOURCES.flatMap((resource) => {
      const created = creations.filter((creation) => creation.resource === resource);
      return created.length > 0 ? [insertRows(tx, owner, resource, created)] : [];
    }),
    ...(runs.length > 0 ? [updateRuns(tx, owner, runs)] : []),
    ...(threads.length > 0 ? [updateThreads(tx, owner, threads)] : []),
  ]);
}

function isCreation(change: Change): change is Creation {
  return change.before === null && change.after !== null;
}

/** Whether a record is updated, and its metadata, which may be large, stay as they are. */
function keepsMetadata<
  C extends { readonly before: Run | Thread | null; readonly after: Run | Thread | null },
>(change: C): change is C & { readonly before: Run | Thread; readonly after: NonNullable<C['after']> } {
  return change.before !== null && change.before.metadata === change.after?.metadata;
}

/** The statement of a change that is not written together with others; null where it is. */
function writeChange(sql: Sql, owner: Owner, change: Change) {
  if (change.before === null) return null;
  switch (change.resource) {
    case 'assistant':
      if (change.after !== null) return updateAssistant(sql, owner, change.after);
      return sql`DELETE FROM agent_graphql.assistants WHERE owner = ${owner} AND id = ${change.before.id}`;
    case 'thread':
      if (keepsMetadata(change)) return null;
      if (change.after !== null) return updateThread(sql, owner, change.after);
      return sql`DELETE FROM agent_graphql.threads WHERE owner = ${owner} AND id = ${change.before.id}`;
    case 'run':
      return change.after === null || keepsMetadata(change) ? null : updateRun(sql, owner, change.after);
  }
}

function updateAssistant(sql: Sql, owner: Owner, assistant: Assistant) {
  const { id, graphId, name, description, config, context, metadata, version, updatedAt } = assistant;
  return sql`UPDATE agent_graphql.assistants SET graph_id = ${graphId}, name = ${name}, folded_name = ${foldCase(name)},
      description = ${description}, config = ${JSON.stringify(config)}::text::json,
      context = ${JSON.stringify(context)}::text::json, metadata = ${JSON.stringify(metadata)}::text::json,
      version = ${version}, updated_at = ${updatedAt}
    WHERE owner = ${owner} AND id = ${id}`;
}

function updateThread(sql: Sql, owner: Owner, { id, status, valuesRunId, metadata, updatedAt }: Thread) {
  return sql`UPDATE agent_graphql.threads SET status = ${status}, values_run_id = ${valuesRunId},
      metadata = ${JSON.stringify(metadata)}::text::json, updated_at = ${updatedAt}
    WHERE owner = ${owner} AND id = ${id}`;
}

function updateRun(sql: Sql, owner: Owner, run: Run) {
  const { id, status, ended, hasOutput, hasCheckpoint, error, interrupt, attempt, assistantVersion } = run;
  const { worker, availableAt, startedAt, finishedAt, cancelRequestedAt, metadata, updatedAt } = run;
  return sql`UPDATE agent_graphql.runs SET status = ${status}, ended = ${ended}, has_output = ${hasOutput},
      has_checkpoint = ${hasCheckpoint}, error = ${json(error)}::text::json, interrupt = ${json(interrupt)}::text::json,
      attempt = ${attempt}, assistant_version = ${assistantVersion}, worker = ${worker}, available_at = ${availableAt},
      started_at = ${startedAt}, finished_at = ${finishedAt}, cancel_requested_at = ${cancelRequestedAt},
      metadata = ${JSON.stringify(metadata)}::text::json, updated_at = ${updatedAt}
    WHERE owner = ${owner} AND id = ${id}`;
}

function json(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}
