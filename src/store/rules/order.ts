import type { OrderField } from '../query.ts';
import { compareCodePoints, compareCodeUnits } from './text.ts';

/** The fields of a record that lists are sorted by. */
export interface Sortable {
  readonly id: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly name?: string;
}

/** A position in an order: the sort key and the id of a record, which need not exist any more. */
export interface Position {
  readonly key: string;
  readonly id: string;
}

/** Compares records by a field, then by id, ascending. */
export const COMPARE: Readonly<Record<OrderField, (a: Sortable, b: Sortable) => number>> = {
  CREATED_AT: (a, b) => compareCodeUnits(a.createdAt, b.createdAt) || compareCodeUnits(a.id, b.id),
  UPDATED_AT: (a, b) => compareCodeUnits(a.updatedAt, b.updatedAt) || compareCodeUnits(a.id, b.id),
  NAME: (a, b) => compareCodePoints(a.name ?? '', b.name ?? '') || compareCodeUnits(a.id, b.id),
};

/** The position of a record in an order. */
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

/** A value that compares as a record at this position would, in the order that the position is of. */
export function sortableAt({ key, id }: Position): Sortable {
  return { id, createdAt: key, updatedAt: key, name: key };
}
