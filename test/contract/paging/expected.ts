import type { AssistantFilter, Order, RunFilter, ThreadFilter } from '../../../src/store/query.ts';
import type { AnyRecord } from '../../support/records.ts';

/** A place in an order. */
export type Place = readonly [key: string, id: string];

/** The records that a filter keeps, sorted: all that a list should have, the naive way. */
export function expectedList<R extends AnyRecord>(
  records: Iterable<R>,
  filter: AssistantFilter | ThreadFilter | RunFilter,
  orderBy: Order,
): readonly R[] {
  return [...records]
    .filter((record) => keeps(filter, record))
    .toSorted((a, b) => comparePlaces(placeOf(a, orderBy), placeOf(b, orderBy), orderBy));
}

/** Where a record stands. */
export function placeOf(record: AnyRecord, { field }: Order): Place {
  if (field === 'NAME') return ['name' in record ? record.name : '', record.id];
  return [field === 'CREATED_AT' ? record.createdAt : record.updatedAt, record.id];
}

/** Compares two places in an order, by the bytes of their UTF-8. */
export function comparePlaces(a: Place, b: Place, { direction }: Order): number {
  const compared = compareBytes(a[0], b[0]) || compareBytes(a[1], b[1]);
  return direction === 'ASC' ? compared : -compared;
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function keeps(filter: object, record: AnyRecord): boolean {
  return Object.entries(filter).every(([key, value]) => value == null || holds(record, key, value));
}

function holds(record: AnyRecord, key: string, value: unknown): boolean {
  const field: unknown = Reflect.get(record, key);
  switch (key) {
    case 'ids':
      return Array.isArray(value) && value.includes(record.id);
    case 'status':
      return Array.isArray(value) && value.includes(field);
    case 'nameContains':
      return 'name' in record && record.name.toUpperCase().includes(String(value).toUpperCase());
    case 'metadata':
      return Object.entries(Object(value)).every(([name, item]) => record.metadata[name] === item);
    case 'parent':
      return Object.entries(Object(value)).every(([name, id]) => Reflect.get(record, name) === id);
    default:
      return field === value;
  }
}
