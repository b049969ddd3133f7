import type { Creation } from './change.ts';
import type { KeyRecord } from './detail.ts';
import type { Execution, RunEvent, RunPayloads } from './execution.ts';
import type { Owner } from './owner.ts';

/** A record together with its owner. */
export type OwnedRecord = Creation & { readonly owner: Owner };

/** Data that is stored beside a record, together with its owner. */
export type OwnedDetail =
  | {
      readonly owner: Owner;
      readonly detail: 'execution';
      /** The id of the run. */
      readonly id: string;
      readonly value: Execution;
    }
  | {
      readonly owner: Owner;
      readonly detail: 'payload';
      /** The id of the run. */
      readonly id: string;
      readonly name: keyof RunPayloads;
      /** Compact JSON of an object. */
      readonly value: string;
    }
  | {
      readonly owner: Owner;
      readonly detail: 'key';
      /** See `keyId`. */
      readonly id: string;
      readonly value: KeyRecord;
    }
  | {
      readonly owner: Owner;
      readonly detail: 'event';
      /** The id of the run. */
      readonly id: string;
      readonly value: RunEvent;
    };

/** The kinds of details, in the order of an archive. */
export const DETAILS: readonly OwnedDetail['detail'][] = ['execution', 'payload', 'key', 'event'];

/** The names of payloads, in the order of an archive. */
export const PAYLOAD_NAMES = [
  'checkpoint',
  'input',
  'output',
] as const satisfies readonly (keyof RunPayloads)[];

/** A record or a detail. */
export type ArchiveEntry = OwnedRecord | OwnedDetail;

/**
 * All data of a storage, to be exported or imported as a whole. It is sorted: owners by Unicode code point; of each
 * owner the assistants, then the threads, then the runs, then the details by kind; and each of these by id, payloads
 * then by name and events by `seq`.
 */
export interface Archive {
  /**
   * Reads everything in batches, as it was at one moment.
   * @param onBatch called with one batch after the other, each time once the promise before is resolved
   * @throws StoreError when the data cannot be read, or a server uses the folder
   */
  read(onBatch: (entries: readonly ArchiveEntry[]) => Promise<void>): Promise<void>;
  /**
   * Stores everything in an empty storage: all of it, or nothing when anything fails, the iteration included. It must
   * keep all rules.
   * @throws StoreError when the storage holds records already, or cannot be written
   */
  fill(batches: AsyncIterable<readonly ArchiveEntry[]>): Promise<void>;
}
