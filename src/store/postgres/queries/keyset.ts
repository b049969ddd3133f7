import type { OrderField } from '../../query.ts';
import type { Position } from '../../rules/order.ts';
import type { Sql } from '../client/connect.ts';
import type { Condition } from './conditions.ts';
import { ORDER_COLUMNS } from '../tables/tables.ts';

/** A part of a list in an order, by keyset pagination: up to `limit` records from a position on. */
export interface KeysetRange {
  readonly field: OrderField;
  readonly ascending: boolean;
  /** Null for the start of the list in this direction. */
  readonly from: Position | null;
  /** Whether a record at the position itself belongs to the range. */
  readonly inclusive: boolean;
  readonly limit: number;
}

/** The condition that a record stands in the range; none where the range begins at the start of the list. */
export function keysetConditions(
  sql: Sql,
  { field, ascending, from, inclusive }: KeysetRange,
): readonly Condition[] {
  if (from === null) return [];
  const key = field === 'NAME' ? sql`${from.key}` : sql`${from.key}::timestamptz`;
  const operator = `${ascending ? '>' : '<'}${inclusive ? '=' : ''}`;
  return [sql`(${sql(ORDER_COLUMNS[field])}, id) ${sql.unsafe(operator)} (${key}, ${from.id}::uuid)`];
}

/** `ORDER BY` the field, then the id, both in the same direction, and `LIMIT`. */
export function orderAndLimit(sql: Sql, { field, ascending, limit }: KeysetRange): Condition {
  const direction = sql.unsafe(ascending ? 'ASC' : 'DESC');
  return sql`ORDER BY ${sql(ORDER_COLUMNS[field])} ${direction}, id ${direction} LIMIT ${limit}`;
}
