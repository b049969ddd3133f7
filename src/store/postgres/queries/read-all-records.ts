import type { Archive, ArchiveEntry } from '../../archive.ts';
import { isOwner, type Owner } from '../../owner.ts';
import { compareCodePoints } from '../../rules/text.ts';
import { StoreError } from '../../store-error.ts';
import type { Transaction } from '../client/pool.ts';
import { ARCHIVE_SOURCES, type ArchiveSource } from './archive-sources.ts';

/** Reads all records and details of all owners, in the order of an archive. */
export async function readAllRecords(
  tx: Transaction,
  onBatch: Parameters<Archive['read']>[0],
): Promise<void> {
  // By a hash join, events would be sorted after they were read.
  await tx.run(
    tx.sql`SELECT set_config('agent_graphql.everybody', 'on', true), set_config('enable_hashjoin', 'off', true)`,
  );
  const readers = ARCHIVE_SOURCES.map((source) => new SourceReader(tx, source));
  for (const reader of readers) await reader.open();
  for (;;) {
    const [owner] = readers.flatMap((reader) => reader.owner ?? []).toSorted(compareCodePoints);
    if (owner === undefined) return;
    for (const reader of readers) {
      while (reader.owner === owner) await onBatch(await reader.next());
    }
  }
}

/** Reads the entries of one kind by a cursor. */
class SourceReader {
  readonly #tx: Transaction;
  readonly #source: ArchiveSource;
  #fetched: readonly ArchiveEntry[] = [];

  constructor(tx: Transaction, source: ArchiveSource) {
    this.#tx = tx;
    this.#source = source;
  }

  /** The owner of the next entry; null at the end. */
  get owner(): Owner | null {
    return this.#fetched[0]?.owner ?? null;
  }

  async open(): Promise<void> {
    const { kind, query } = this.#source;
    await this.#tx.run(this.#tx.sql.unsafe(`DECLARE all_${kind} NO SCROLL CURSOR FOR ${query}`));
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
    const { kind, fetchSize } = this.#source;
    for (;;) {
      const rows = await this.#tx.run(this.#tx.sql.unsafe(`FETCH ${fetchSize} FROM all_${kind}`));
      this.#fetched = rows.flatMap((row) => parseRow(this.#source, row));
      // Rows can be without entries.
      if (this.#fetched.length > 0 || rows.length === 0) return;
    }
  }
}

function parseRow(
  { kind, parse }: ArchiveSource,
  { owner, ...row }: Readonly<Record<string, unknown>>,
): readonly ArchiveEntry[] {
  if (!isOwner(owner))
    throw new StoreError(`DATABASE_URL names a database with a row (${kind}) without a valid owner.`);
  return parse(owner, row).map((entry) => {
    if (!('problem' in entry)) return entry;
    throw new StoreError(
      `DATABASE_URL names a database with an invalid record: the ${kind} ${String(row.id)} ${entry.problem}.`,
    );
  });
}
