import type { Change } from '../../change.ts';
import type { Owner } from '../../owner.ts';
import type { Assistant, Run, Thread } from '../../records.ts';
import { foldCase } from '../../rules/text.ts';
import { arrayLiteral } from '../client/array-literal.ts';
import type { Sql } from '../client/connect.ts';
import type { Transaction } from '../client/pool.ts';

/** Stores the changes of a mutation, whose records the transaction has locked. */
export async function writeChanges(tx: Transaction, owner: Owner, changes: readonly Change[]): Promise<void> {
  const { sql } = tx;
  const deletedRunIds = changes.flatMap(({ resource, before, after }) =>
    resource === 'run' && before !== null && after === null ? [before.id] : [],
  );
  const statements = changes.flatMap((change) => writeChange(sql, owner, change) ?? []);
  if (deletedRunIds.length > 0) {
    // Before their thread: the foreign key of runs refers to it.
    statements.unshift(
      sql`DELETE FROM agent_graphql.runs WHERE owner = ${owner} AND id = ANY(${arrayLiteral(deletedRunIds)}::uuid[])`,
    );
  }
  await Promise.all(statements.map((statement) => tx.run(statement)));
}

function writeChange(sql: Sql, owner: Owner, { resource, before, after }: Change) {
  switch (resource) {
    case 'assistant':
      if (after !== null)
        return before === null ? insertAssistant(sql, owner, after) : updateAssistant(sql, owner, after);
      return sql`DELETE FROM agent_graphql.assistants WHERE owner = ${owner} AND id = ${before?.id ?? null}`;
    case 'thread':
      if (after !== null)
        return before === null ? insertThread(sql, owner, after) : updateThread(sql, owner, after);
      return sql`DELETE FROM agent_graphql.threads WHERE owner = ${owner} AND id = ${before?.id ?? null}`;
    case 'run':
      if (after === null) return null;
      return before === null ? insertRun(sql, owner, after) : updateRun(sql, owner, after);
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

function insertThread(sql: Sql, owner: Owner, { id, status, metadata, createdAt, updatedAt }: Thread) {
  return sql`INSERT INTO agent_graphql.threads (owner, id, status, metadata, created_at, updated_at)
    VALUES (${owner}, ${id}, ${status}, ${JSON.stringify(metadata)}::text::json, ${createdAt}, ${updatedAt})`;
}

function updateThread(sql: Sql, owner: Owner, { id, status, metadata, updatedAt }: Thread) {
  return sql`UPDATE agent_graphql.threads SET status = ${status}, metadata = ${JSON.stringify(metadata)}::text::json,
      updated_at = ${updatedAt}
    WHERE owner = ${owner} AND id = ${id}`;
}

function insertRun(sql: Sql, owner: Owner, run: Run) {
  const { id, threadId, assistantId, status, ended, metadata, createdAt, updatedAt } = run;
  return sql`INSERT INTO agent_graphql.runs (owner, id, thread_id, assistant_id, status, ended, metadata, created_at,
      updated_at)
    VALUES (${owner}, ${id}, ${threadId}, ${assistantId}, ${status}, ${ended}, ${JSON.stringify(metadata)}::text::json,
      ${createdAt}, ${updatedAt})`;
}

function updateRun(sql: Sql, owner: Owner, { id, status, ended, metadata, updatedAt }: Run) {
  return sql`UPDATE agent_graphql.runs SET status = ${status}, ended = ${ended},
      metadata = ${JSON.stringify(metadata)}::text::json, updated_at = ${updatedAt}
    WHERE owner = ${owner} AND id = ${id}`;
}
