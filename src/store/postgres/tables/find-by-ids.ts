import type { Owner } from '../../owner.ts';
import { arrayLiteral } from '../client/array-literal.ts';
import type { Transaction } from '../client/pool.ts';
import type { Table } from './tables.ts';

/** The records of these ids, in their order; null where there is none. @param ids accepted by `isId` */
export async function findByIds<R extends { readonly id: string }>(
  { sql, run }: Transaction,
  owner: Owner,
  table: Table,
  ids: readonly string[],
): Promise<(R | null)[]> {
  // Each row is looked up by the primary key, whatever statistics the planner has: LIMIT keeps it out of a join.
  const rows = await run(sql<R[]>`SELECT found.*
    FROM unnest(${arrayLiteral(ids)}::uuid[]) AS wanted (id) CROSS JOIN LATERAL (
      SELECT ${sql.unsafe(table.columns)} FROM ${sql.unsafe(table.name)}
      WHERE owner = ${owner} AND id = wanted.id LIMIT 1
    ) AS found`);
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id) ?? null);
}
