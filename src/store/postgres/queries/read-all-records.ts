import { type Archive, type ArchiveEntry, DETAILS, type OwnedRecord } from '../../archive.ts';
import { type Change, RESOURCES } from '../../change.ts';
import { isOwner, type Owner } from '../../owner.ts';
import { parseRecord } from '../../rules/parse-record.ts';
import { compareCodePoints } from '../../rules/text.ts';
import { StoreError } from '../../store-error.ts';
import type { Transaction } from '../client/pool.ts';
import { detailSource } from './read-all-details.ts';
import { TABLES } from './tables.ts';

/** Rows per FETCH; a row has 200 KB at most. */
const FETCH_SIZE = 250;

/** Rows of all owners, sorted by owner. */
export interface EntrySource {
  /** The name of the cursor. */
  readonly name: string;
  readonly query: string;
  /** Rows per FETCH. */
  readonly fetchSize: number;
  /** The entry of a row. @throws StoreError for a row that is not valid */
  parse(owner: Owner, row: Readonly<Record<string, unknown>>): ArchiveEntry;
}

/** Reads all records of all owners, and what belongs to them, in the order of an archive. */
export async function readAllRecords(
  tx: Transaction,
  onBatch: Parameters<Archive['read']>[0],
): Promise<void> {
  await tx.run(tx.sql`SELECT set_config('agent_graphql.everybody', 'on', true)`);
  const sources = [...RESOURCES.map(recordSource), ...DETAILS.map(detailSource)];
  const readers = sources.map((source) => new EntryReader(tx, source));
  for (const reader of readers) await reader.open();
  for (;;) {
    const [owner] = readers.flatMap((reader) => reader.owner ?? []).toSorted(compareCodePoints);
    if (owner === undefined) return;
    for (const reader of readers) {
      while (reader.owner === owner) await onBatch(await reader.next());
    }
  }
}

/** Reads entries by a cursor. */
class EntryReader {
  readonly #tx: Transaction;
  readonly #source: EntrySource;
  #fetched: readonly ArchiveEntry[] = [];

  constructor(tx: Transaction, source: EntrySource) {
    this.#tx = tx;
    this.#source = source;
  }

  /** The owner of the next entry; null at the end. */
  get owner(): Owner | null {
    return this.#fetched[0]?.owner ?? null;
  }

  async open(): Promise<void> {
    const { name, query } = this.#source;
    await this.#tx.run(this.#tx.sql.unsafe(`DECLARE all_${name} NO SCROLL CURSOR FOR ${query}`));
    await this.#fetch();
  }

  /** The next entries, all of one owner. */
  async next(): Promise<readonly ArchiveEntry[]> {
    const { owner } = this;
    const end = this.#fetched.findIndex((entry) => entry.owner !== owner);
    const entries = end === -1 ? this.#fetched : this.#fetched.slice(0, end);
    if (end === -1) await this.#fetch();
    else this.#fetched = this.#fetched.slice(end);
    return entries;
  }

  async #fetch(): Promise<void> {
    const { name, fetchSize, parse } = this.#source;
    const rows = await this.#tx.run(this.#tx.sql.unsafe(`FETCH ${fetchSize} FROM all_${name}`));
    this.#fetched = rows.map(({ owner, ...row }) => {
      if (isOwner(owner)) return parse(owner, row);
      throw new StoreError(`DATABASE_URL names a database with a row of ${name} without a valid owner.`);
    });
  }
}

function recordSource(resource: Change['resource']): EntrySource {
  const { name, columns } = TABLES[resource];
  return {
    name: resource,
    query: `SELECT owner, ${columns} FROM ${name} ORDER BY owner, id`,
    fetchSize: FETCH_SIZE,
    parse: (owner, row) => parseRow(resource, owner, row),
  };
}

function parseRow(
  resource: Change['resource'],
  owner: Owner,
  row: Readonly<Record<string, unknown>>,
): OwnedRecord {
  const record = parseRecord(resource, owner, row);
  if (!('problem' in record)) return { owner, ...record };
  throw new StoreError(
    `DATABASE_URL names a database with an invalid record: the ${resource} ${String(row.id)} ${record.problem}.`,
  );
}
