import type { Owner } from '../../owner.ts';
import { arrayLiteral } from '../client/array-literal.ts';
import type { Transaction } from '../client/pool.ts';
import { allOf, type AnyFilter, filterConditions } from './conditions.ts';
import { type KeysetRange, orderAndLimit } from './keyset.ts';
import type { Table } from '../tables/tables.ts';

/** The column that refers to a run's parent. */
export type ParentColumn = 'thread_id' | 'assistant_id';

/** A parent, and the filter on its runs without the condition on the parent. */
export interface ParentFilter {
  readonly column: ParentColumn;
  readonly id: string;
  readonly filter: AnyFilter;
}

/** Lists of several parents that differ in nothing else. */
export interface ListsByParent extends Omit<ParentFilter, 'id'> {
  readonly ids: readonly string[];
}

/** The parent that a filter has beside the caller's conditions; null where it has none. */
export function parentFilter(filter: AnyFilter | null): ParentFilter | null {
  if (filter?.parent === undefined) return null;
  const { parent, ...rest } = filter;
  if ('threadId' in parent) return { filter: rest, column: 'thread_id', id: parent.threadId };
  return { filter: rest, column: 'assistant_id', id: parent.assistantId };
}

/**
 * The first page of each parent's list, by one statement.
 * @param parentOf the id in a record's parent column
 */
export async function readFirstPages<R extends object>(
  { sql, run }: Transaction,
  owner: Owner,
  table: Table,
  { filter, column, ids }: ListsByParent,
  range: KeysetRange,
  parentOf: (record: R) => string | null,
): Promise<readonly (readonly R[])[]> {
  const conditions = filterConditions(sql, owner, filter);
  if (conditions === null || range.limit === 0) return ids.map(() => []);
  const rows = await run(sql<R[]>`SELECT found.* FROM unnest(${arrayLiteral(ids)}::uuid[]) AS parents (parent)
      CROSS JOIN LATERAL (
        SELECT ${sql.unsafe(table.columns)} FROM ${sql.unsafe(table.name)}
        WHERE ${allOf(sql, [sql`owner = ${owner}`, sql`${sql(column)} = parents.parent`, ...conditions])} ${orderAndLimit(sql, range)}
      ) AS found`);
  const pages = new Map<string | null, R[]>();
  for (const row of rows) {
    const parent = parentOf(row);
    const page = pages.get(parent);
    if (page === undefined) pages.set(parent, [row]);
    else page.push(row);
  }
  return ids.map((id) => pages.get(id) ?? []);
}

/** How many records of each parent a filter keeps, by one statement. */
export async function countByParent(
  { sql, run }: Transaction,
  owner: Owner,
  table: Table,
  { filter, column, ids }: ListsByParent,
): Promise<readonly number[]> {
  const conditions = filterConditions(sql, owner, filter);
  if (conditions === null) return ids.map(() => 0);
  const rows = await run(sql<{ count: number }[]>`SELECT counted.count
      FROM unnest(${arrayLiteral(ids)}::uuid[]) WITH ORDINALITY AS parents (parent, place)
      CROSS JOIN LATERAL (
        SELECT count(*)::float8 AS count FROM ${sql.unsafe(table.name)}
        WHERE ${allOf(sql, [sql`owner = ${owner}`, sql`${sql(column)} = parents.parent`, ...conditions])}
      ) AS counted ORDER BY parents.place`);
  return rows.map((row) => row.count);
}
