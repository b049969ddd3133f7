import type { Change } from '../change.ts';
import { type Detail, keyId } from '../detail.ts';
import { type CreateOutcome, refused } from '../outcome.ts';
import type { Owner } from '../owner.ts';
import type { NewAssistant, NewRun, NewThread } from '../records.ts';
import { keyConflict, keyOf } from '../rules/idempotency.ts';
import type { Database } from './database.ts';
import type { Table } from './table.ts';
import type { Sortable } from '../rules/order.ts';

/** A creation with an idempotency key, or without one. */
interface KeyedCreation<R extends Sortable> {
  readonly resource: Change['resource'];
  readonly input: NewAssistant | NewThread | NewRun;
  /** The defaults of the input. */
  readonly defaults: object;
  readonly table: Table<R>;
  /** Creates the record. @param keyDetails returns the details that store the key, for the id of the new record */
  create(keyDetails: (id: string) => readonly Detail[]): CreateOutcome<R>;
}

/** Creates a record, or returns the one that was created with the same key. */
export function createOnce<R extends Sortable>(
  database: Database,
  owner: Owner,
  { resource, input, defaults, table, create }: KeyedCreation<R>,
): CreateOutcome<R> {
  const key = keyOf(input, defaults);
  if (key === null) return create(() => []);
  if ('refusal' in key) return refused(key.refusal);
  const id = keyId(resource, key.key);
  const known = database.partition(owner).keys.get(id);
  const made = known === undefined ? null : table.get(known.recordId);
  if (known === undefined || made === null) {
    return create((recordId) => [
      { kind: 'key', id, before: null, after: Object.freeze({ recordId, digest: key.digest }) },
    ]);
  }
  return known.digest === key.digest ? { value: made, replayed: true } : refused(keyConflict());
}
