import type { Order, OrderField } from '../query.ts';
import { compareCodePoints } from './text.ts';

/** What orders can look at. */
export interface Sortable {
  readonly id: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly name?: string;
}

/** A place in an order, whether or not a record stands there. */
export interface Position {
  readonly key: string;
  readonly id: string;
}

/** Orders records by a field, then by id, ascending. */
export const COMPARE: Readonly<Record<OrderField, (a: Sortable, b: Sortable) => number>> = {
  CREATED_AT: (a, b) => compareAscii(a.createdAt, b.createdAt) || compareAscii(a.id, b.id),
  UPDATED_AT: (a, b) => compareAscii(a.updatedAt, b.updatedAt) || compareAscii(a.id, b.id),
  NAME: (a, b) => compareCodePoints(a.name ?? '', b.name ?? '') || compareAscii(a.id, b.id),
};

/** Where a record stands in an order. */
export function positionOf(record: Sortable, field: OrderField): Position {
  switch (field) {
    case 'CREATED_AT':
      return { key: record.createdAt, id: record.id };
    case 'UPDATED_AT':
      return { key: record.updatedAt, id: record.id };
    case 'NAME':
      return { key: record.name ?? '', id: record.id };
  }
}

/** Something that stands at a position, whatever the order looks at. */
export function standIn({ key, id }: Position): Sortable {
  return { id, createdAt: key, updatedAt: key, name: key };
}

/** The order as a word of a list's name. */
export function orderName({ field, direction }: Order): string {
  return `${field} ${direction}`;
}

function compareAscii(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
