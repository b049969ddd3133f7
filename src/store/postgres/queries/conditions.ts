import type { PendingQuery, Row } from 'postgres';
import type { Owner } from '../../owner.ts';
import type { AssistantFilter, RunFilter, ThreadFilter } from '../../query.ts';
import type { JsonObject } from '../../records.ts';
import { isId } from '../../rules/identity.ts';
import { foldCase, isStorableText } from '../../rules/text.ts';
import { arrayLiteral } from '../client/array-literal.ts';
import type { Sql } from '../client/connect.ts';

/** A fragment of a statement, such as a condition. */
export type Condition = PendingQuery<Row[]>;

/** A filter of any resource. */
export type AnyFilter = Partial<
  AssistantFilter & Omit<RunFilter, 'status'> & { readonly status: (ThreadFilter | RunFilter)['status'] }
>;

/**
 * The conditions of a filter, without that of the owner; null where no record can match.
 * @param filter accepted by `matchAssistants`, `matchThreads` or `matchRuns`
 */
export function filterConditions(sql: Sql, owner: Owner, filter: AnyFilter): readonly Condition[] | null {
  const { ids, graphId, nameContains, status, threadId, assistantId, parent, metadata } = filter;
  const conditions: Condition[] = [];
  if (ids != null) {
    const known = ids.filter(isId);
    if (known.length === 0) return null;
    conditions.push(sql`id = ANY(${arrayLiteral(known)}::uuid[])`);
  }
  for (const of of [{ threadId, assistantId }, parent ?? {}]) {
    if ('threadId' in of && of.threadId != null) {
      if (!isId(of.threadId)) return null;
      conditions.push(sql`thread_id = ${of.threadId}`);
    }
    if ('assistantId' in of && of.assistantId != null) {
      if (!isId(of.assistantId)) return null;
      conditions.push(sql`assistant_id = ${of.assistantId}`);
    }
  }
  if (status != null) conditions.push(sql`status = ANY(${arrayLiteral(status)}::text[])`);
  if (graphId != null) {
    // A text that cannot be stored is in no record, and PostgreSQL would refuse it as a parameter.
    if (!isStorableText(graphId)) return null;
    conditions.push(sql`graph_id = ${graphId}`);
  }
  if (nameContains != null) conditions.push(sql`strpos(folded_name, ${foldCase(nameContains)}) > 0`);
  if (metadata != null) {
    // The `owner` key of a record always holds its owner.
    if (Object.hasOwn(metadata, 'owner') && metadata.owner !== owner) return null;
    conditions.push(sql`labels @> ${labelsToContain(owner, metadata)}::text::jsonb`);
  }
  return conditions;
}

/** What the labels of a match contain, as JSON: the `owner` key too, which restricts what the GIN index returns. */
export function labelsToContain(owner: Owner, metadata: JsonObject): string {
  return JSON.stringify({ ...metadata, owner });
}

/** Whether a filter keeps only runs of one thread or assistant: these have indexes of their own. */
export function isOfOneParent({ threadId, assistantId, parent }: AnyFilter): boolean {
  return threadId != null || assistantId != null || parent !== undefined;
}

/** Joins conditions with AND. There must be one at least. */
export function allOf(sql: Sql, conditions: readonly Condition[]): Condition {
  return conditions.reduce((left, right) => sql`${left} AND ${right}`);
}
