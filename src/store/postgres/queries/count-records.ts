import type { Owner } from '../../owner.ts';
import type { Transaction } from '../client/pool.ts';
import { allOf, type AnyFilter, type Condition, filterConditions, isOfOneParent } from './conditions.ts';
import { searchMetadata } from './metadata-search.ts';
import type { Table } from '../tables/tables.ts';

/** How many records a filter keeps. */
export async function countRecords(
  tx: Transaction,
  owner: Owner,
  table: Table,
  filter: AnyFilter,
): Promise<number> {
  const { sql, run } = tx;
  const conditions = filterConditions(sql, owner, filter);
  if (conditions === null) return 0;
  const { ids, metadata } = filter;
  const count = (ofOwner: Condition) =>
    run(sql<{ count: number }[]>`SELECT count(*)::float8 AS count FROM ${sql.unsafe(table.name)}
        WHERE ${allOf(sql, [ofOwner, ...conditions])}`);
  const [row] = await (metadata == null || ids != null || isOfOneParent(filter)
    ? count(sql`owner = ${owner}`)
    : searchMetadata(tx, owner, metadata, 'labels index', count));
  return row?.count ?? 0;
}
