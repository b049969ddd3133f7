import type { Owner } from '../../owner.ts';
import { isId } from '../../rules/identity.ts';
import { arrayLiteral } from '../client/array-literal.ts';
import type { Sql } from '../client/connect.ts';
import type { Transaction } from '../client/pool.ts';
import { allOf, type AnyFilter, type Condition, filterConditions, isOfOneParent } from './conditions.ts';
import { type KeysetRange, keysetConditions, orderAndLimit } from './keyset.ts';
import { searchMetadata } from './metadata-search.ts';
import type { Table } from '../tables/tables.ts';

/** Reads a range of a filtered list. */
export type ReadRange<R> = (range: KeysetRange) => Promise<readonly R[]>;

/** Up to this many matches of a metadata search are found by the labels index and sorted; beyond, the list is scanned. */
const MAX_SORTED_MATCHES = 1_000;

/** Chooses how a filtered list is read. A metadata search may run a statement for that. */
export async function prepareList<R extends object>(
  tx: Transaction,
  owner: Owner,
  table: Table,
  filter: AnyFilter,
): Promise<ReadRange<R>> {
  const { sql, run } = tx;
  const conditions = filterConditions(sql, owner, filter);
  if (conditions === null) return async () => [];
  const { ids, metadata } = filter;
  const ofOwner = sql`owner = ${owner}`;
  if (ids != null) {
    const known = ids.filter(isId);
    return (range) => run(selectAmong<R>(sql, table, owner, known, [ofOwner, ...conditions], range));
  }
  if (metadata == null) return (range) => run(selectRange<R>(sql, table, [ofOwner, ...conditions], range));
  const scan: ReadRange<R> = (range) =>
    searchMetadata(tx, owner, metadata, 'ordered scan', (own) =>
      run(selectRange<R>(sql, table, [own, ...conditions], range)),
    );
  if (isOfOneParent(filter)) return scan;
  const matches = await searchMetadata(tx, owner, metadata, 'labels index', (own) =>
    run(sql<{ id: string }[]>`SELECT id FROM ${sql.unsafe(table.name)}
        WHERE ${allOf(sql, [own, ...conditions])} LIMIT ${MAX_SORTED_MATCHES + 1}`),
  );
  if (matches.length > MAX_SORTED_MATCHES) return scan;
  const found = matches.map(({ id }) => id);
  return (range) => run(selectAmong<R>(sql, table, owner, found, [ofOwner], range));
}

function selectRange<R extends object>(
  sql: Sql,
  table: Table,
  conditions: readonly Condition[],
  range: KeysetRange,
) {
  return sql<R[]>`SELECT ${sql.unsafe(table.columns)} FROM ${sql.unsafe(table.name)}
      WHERE ${allOf(sql, [...conditions, ...keysetConditions(sql, range)])} ${orderAndLimit(sql, range)}`;
}

/**
 * The range among a few records, which are looked up by their ids and then sorted. Without OFFSET, a planner that
 * expects few rows of the owner would scan all of them in order.
 */
function selectAmong<R extends object>(
  sql: Sql,
  table: Table,
  owner: Owner,
  ids: readonly string[],
  conditions: readonly Condition[],
  range: KeysetRange,
) {
  return sql<R[]>`SELECT ${sql.unsafe(table.columns)} FROM (
        SELECT * FROM ${sql.unsafe(table.name)}
        WHERE owner = ${owner} AND id = ANY(${arrayLiteral(ids)}::uuid[]) OFFSET 0
      ) AS found
      WHERE ${allOf(sql, [...conditions, ...keysetConditions(sql, range)])} ${orderAndLimit(sql, range)}`;
}
