import type { PendingQuery, Row } from 'postgres';
import type { AssistantFilter, RunFilter, ThreadFilter } from '../../query.ts';
import { isId } from '../../rules/identity.ts';
import { foldCase, isStorableText } from '../../rules/text.ts';
import type { Owner } from '../../owner.ts';
import type { JsonObject } from '../../records.ts';
import { idArray, type Sql } from '../client/connect.ts';
import type { Transaction } from '../client/pool.ts';

/** A condition of a statement. */
export type Condition = PendingQuery<Row[]>;

/** A filter of any resource. */
export type AnyFilter = Partial<
  AssistantFilter & Omit<RunFilter, 'status'> & { readonly status: (ThreadFilter | RunFilter)['status'] }
>;

/** What a filter that `matchX` has accepted comes to in SQL, beside the owner; null where no record can match. */
export function conditionsOf(sql: Sql, owner: Owner, filter: AnyFilter): readonly Condition[] | null {
  const { ids, graphId, nameContains, status, threadId, assistantId, parent, metadata } = filter;
  const conditions: Condition[] = [];
  if (ids != null) {
    const known = ids.filter(isId);
    if (known.length === 0) return null;
    conditions.push(sql`id = ANY(${idArray(known)}::uuid[])`);
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
  // The statuses are words, with nothing to escape.
  if (status != null) conditions.push(sql`status = ANY(${`{${status.join(',')}}`}::text[])`);
  if (graphId != null) {
    // No record has one that could not be stored.
    if (!isStorableText(graphId)) return null;
    conditions.push(sql`graph_id = ${graphId}`);
  }
  if (nameContains != null) conditions.push(sql`strpos(folded_name, ${foldCase(nameContains)}) > 0`);
  if (metadata != null) {
    // Everybody's own labels name them, and nobody else's do.
    if (Object.hasOwn(metadata, 'owner') && metadata.owner !== owner) return null;
    conditions.push(sql`labels @> ${searched(owner, metadata)}::text::jsonb`);
  }
  return conditions;
}

/** What the labels of a record must contain. The owner's is in all of them, and narrows what the index looks at. */
function searched(owner: Owner, metadata: JsonObject): string {
  return JSON.stringify({ ...metadata, owner });
}

/** Joins conditions: all must hold. */
export function all(sql: Sql, conditions: readonly Condition[]): Condition {
  return conditions.reduce((left, right) => sql`${left} AND ${right}`);
}

/** How a search goes about it. */
type Way =
  /** Finds all matches by the index of the labels, in no order. */
  | 'by labels'
  /** Walks through the list in its order, and leaves out what does not match. */
  | 'in order';

/** What the planner may do on each way. It knows nothing of labels, and takes any for rare. */
const MAY: Readonly<Record<Way | 'else', { bitmaps: boolean; all: boolean; sort: boolean }>> = {
  // Only the index of the labels, which can only be read by a bitmap.
  'by labels': { bitmaps: true, all: false, sort: true },
  'in order': { bitmaps: false, all: false, sort: false },
  else: { bitmaps: false, all: true, sort: true },
};

/**
 * Searches for metadata.
 * @param work sends its statements at once, and nothing later. It is given the condition that names the owner: on the
 * way by labels, one that no index of the owner's serves, since all of the owner's records may be many
 */
export async function searching<T>(
  tx: Transaction,
  owner: Owner,
  metadata: JsonObject,
  way: Way,
  work: (own: Condition) => Promise<T>,
): Promise<T> {
  const { sql } = tx;
  const own = sql`owner = ${owner}`;
  const [, result] = await Promise.all([
    setSearch(tx, searched(owner, metadata), way),
    work(way === 'by labels' ? sql`(${own}) IS TRUE` : own),
    setSearch(tx, '', 'else'),
  ]);
  return result;
}

/** Sets what is searched for, until the transaction ends or another search begins. */
async function setSearch({ sql, run }: Transaction, text: string, way: Way | 'else'): Promise<void> {
  const { bitmaps, all: scans, sort } = MAY[way];
  await run(sql`SELECT set_config('agent_graphql.search', ${text}, true),
    set_config('enable_bitmapscan', ${onOff(bitmaps)}, true),
    set_config('enable_seqscan', ${onOff(scans)}, true), set_config('enable_sort', ${onOff(sort)}, true)`);
}

function onOff(value: boolean): string {
  return value ? 'on' : 'off';
}
