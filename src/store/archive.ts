import type { Creation } from './change.ts';
import type { Owner } from './owner.ts';

/** A record together with its owner. */
export type OwnedRecord = Creation & { readonly owner: Owner };

/**
 * All records of a storage, to be exported or imported as a whole. They are sorted: owners by Unicode code point; of
 * each owner the assistants, then the threads, then the runs; and each of these by id.
 */
export interface Archive {
  /**
   * Reads all records in batches, as they were at one moment.
   * @param onBatch called with one batch after the other, each time once the promise before is resolved
   * @throws StoreError when the records cannot be read, or a server uses the folder
   */
  read(onBatch: (records: readonly OwnedRecord[]) => Promise<void>): Promise<void>;
  /**
   * Stores records in an empty storage: all of them, or none when anything fails, the iteration included. The records
   * must keep all rules.
   * @throws StoreError when the storage holds records already, or cannot be written
   */
  fill(batches: AsyncIterable<readonly OwnedRecord[]>): Promise<void>;
}
