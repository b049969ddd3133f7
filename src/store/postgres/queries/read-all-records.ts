import type { Archive, OwnedRecord } from '../../archive.ts';
import { type Change, RESOURCES } from '../../change.ts';
import { isOwner, type Owner } from '../../owner.ts';
import { parseRecord } from '../../rules/parse-record.ts';
import { compareCodePoints } from '../../rules/text.ts';
import { StoreError } from '../../store-error.ts';
import type { Transaction } from '../client/pool.ts';
import { TABLES } from './tables.ts';

/** Rows per FETCH; a row has 200 KB at most. */
const FETCH_SIZE = 250;

/** Reads all records of all owners, in the order of an archive. */
export async function readAllRecords(
  tx: Transaction,
  onBatch: Parameters<Archive['read']>[0],
): Promise<void> {
  await tx.run(tx.sql`SELECT set_config('agent_graphql.everybody', 'on', true)`);
  const readers = RESOURCES.map((resource) => new TableReader(tx, resource));
  for (const reader of readers) await reader.open();
  for (;;) {
    const [owner] = readers.flatMap((reader) => reader.owner ?? []).toSorted(compareCodePoints);
    if (owner === undefined) return;
    for (const reader of readers) {
      while (reader.owner === owner) await onBatch(await reader.next());
    }
  }
}

/** Reads the records of one table by a cursor, sorted by owner and id. */
class TableReader {
  readonly #tx: Transaction;
  readonly #resource: Change['resource'];
  #fetched: readonly OwnedRecord[] = [];

  constructor(tx: Transaction, resource: Change['resource']) {
    this.#tx = tx;
    this.#resource = resource;
  }

  /** The owner of the next record; null at the end. */
  get owner(): Owner | null {
    return this.#fetched[0]?.owner ?? null;
  }

  async open(): Promise<void> {
    const { name, columns } = TABLES[this.#resource];
    await this.#tx.run(
      this.#tx.sql.unsafe(`DECLARE all_${this.#resource} NO SCROLL CURSOR FOR
        SELECT owner, ${columns} FROM ${name} ORDER BY owner, id`),
    );
    await this.#fetch();
  }

  /** The next records, all of one owner. */
  async next(): Promise<readonly OwnedRecord[]> {
    const { owner } = this;
    const end = this.#fetched.findIndex((record) => record.owner !== owner);
    const records = end === -1 ? this.#fetched : this.#fetched.slice(0, end);
    if (end === -1) await this.#fetch();
    else this.#fetched = this.#fetched.slice(end);
    return records;
  }

  async #fetch(): Promise<void> {
    const rows = await this.#tx.run(this.#tx.sql.unsafe(`FETCH ${FETCH_SIZE} FROM all_${this.#resource}`));
    this.#fetched = rows.map((row) => parseRow(this.#resource, row));
  }
}

function parseRow(
  resource: Change['resource'],
  { owner, ...row }: Readonly<Record<string, unknown>>,
): OwnedRecord {
  if (!isOwner(owner))
    throw new StoreError(`DATABASE_URL names a database with a ${resource} without a valid owner.`);
  const record = parseRecord(resource, owner, row);
  if (!('problem' in record)) return { owner, ...record };
  throw new StoreError(
    `DATABASE_URL names a database with an invalid record: the ${resource} ${String(row.id)} ${record.problem}.`,
  );
}
