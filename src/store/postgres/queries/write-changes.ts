import type { Change } from '../../change.ts';
import type { Owner } from '../../owner.ts';
import type { Assistant, JsonObject, Run, Thread } from '../../records.ts';
import { foldCase } from '../../rules/text.ts';
import { arrayLiteral } from '../client/array-literal.ts';
import type { Sql } from '../client/connect.ts';
import type { Transaction } from '../client/pool.ts';
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
  const statements = changes.flatMap((change) => writeChange(sql, owner, change) ?? []);
  if (deletedRunIds.length > 0) {
    // Before their thread: the foreign key of runs refers to it.
    statements.unshift(
      sql`DELETE FROM agent_graphql.runs WHERE owner = ${owner} AND id = ANY(${arrayLiteral(deletedRunIds)}::uuid[])`,
    );
  }
  await Promise.all([
    ...statements.map((statement) => tx.run(statement)),
    ...(runs.length > 0 ? [updateRuns(tx, owner, runs)] : []),
    ...(threads.length > 0 ? [updateThreads(tx, owner, threads)] : []),
  ]);
}

/** Whether a record is updated, and its metadata, which may be large, stay as they are. */
function keepsMetadata<R extends { readonly metadata: JsonObject }>(change: {
  readonly before: R | null;
  readonly after: R | null;
}): change is { readonly before: R; readonly after: R } {
  return change.before !== null && change.before.metadata === change.after?.metadata;
}

function writeChange(sql: Sql, owner: Owner, { resource, before, after }: Change) {
  switch (resource) {
    case 'assistant':
      if (after !== null)
        return before === null ? insertAssistant(sql, owner, after) : updateAssistant(sql, owner, after);
      return sql`DELETE FROM agent_graphql.assistants WHERE owner = ${owner} AND id = ${before?.id ?? null}`;
    case 'thread':
      if (after !== null) {
        if (before === null) return insertThread(sql, owner, after);
        return before.metadata === after.metadata ? null : updateThread(sql, owner, after);
      }
      return sql`DELETE FROM agent_graphql.threads WHERE owner = ${owner} AND id = ${before?.id ?? null}`;
    case 'run':
      if (after === null) return null;
      if (before === null) return insertRun(sql, owner, after);
      return before.metadata === after.metadata ? null : updateRun(sql, owner, after);
  }
}

function insertAssistant(sql: Sql, owner: Owner, assistant: Assistant) {
  const { id, graphId, name, description, config, context, metadata, version, createdAt, updatedAt } =
    assistant;
  return sql`INSERT INTO agent_graphql.assistants (owner, id, graph_id, name, folded_name, description, config, context,
      metadata, version, created_at, updated_at)
    VALUES (${owner}, ${id}, ${graphId}, ${name}, ${foldCase(name)}, ${description}, ${JSON.stringify(config)}::text::json,
      ${JSON.stringify(context)}::text::json, ${JSON.stringify(metadata)}::text::json, ${version}, ${createdAt}, ${updatedAt})`;
}

function updateAssistant(sql: Sql, owner: Owner, assistant: Assistant) {
  const { id, graphId, name, description, config, context, metadata, version, updatedAt } = assistant;
  return sql`UPDATE agent_graphql.assistants SET graph_id = ${graphId}, name = ${name}, folded_name = ${foldCase(name)},
      description = ${description}, config = ${JSON.stringify(config)}::text::json,
      context = ${JSON.stringify(context)}::text::json, metadata = ${JSON.stringify(metadata)}::text::json,
      version = ${version}, updated_at = ${updatedAt}
    WHERE owner = ${owner} AND id = ${id}`;
}

function insertThread(sql: Sql, owner: Owner, thread: Thread) {
  const { id, status, valuesRunId, metadata, createdAt, updatedAt } = thread;
  return sql`INSERT INTO agent_graphql.threads (owner, id, status, values_run_id, metadata, created_at, updated_at)
    VALUES (${owner}, ${id}, ${status}, ${valuesRunId}, ${JSON.stringify(metadata)}::text::json, ${createdAt},
      ${updatedAt})`;
}

function updateThread(sql: Sql, owner: Owner, { id, status, valuesRunId, metadata, updatedAt }: Thread) {
  return sql`UPDATE agent_graphql.threads SET status = ${status}, values_run_id = ${valuesRunId},
      metadata = ${JSON.stringify(metadata)}::text::json, updated_at = ${updatedAt}
    WHERE owner = ${owner} AND id = ${id}`;
}

function insertRun(sql: Sql, owner: Owner, run: Run) {
  const { id, threadId, assistantId, status, hasInput, resumes, multitaskStrategy } = run;
  const { maxAttempts, timeoutSeconds, availableAt, traceparent, metadata, createdAt, updatedAt } = run;
  return sql`INSERT INTO agent_graphql.runs (owner, id, thread_id, assistant_id, status, has_input, resumes,
      multitask_strategy, max_attempts, timeout_seconds, available_at, traceparent, metadata, created_at, updated_at)
    VALUES (${owner}, ${id}, ${threadId}, ${assistantId}, ${status}, ${hasInput}, ${resumes}, ${multitaskStrategy},
      ${maxAttempts}, ${timeoutSeconds}, ${availableAt}, ${traceparent}, ${JSON.stringify(metadata)}::text::json,
      ${createdAt}, ${updatedAt})`;
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
