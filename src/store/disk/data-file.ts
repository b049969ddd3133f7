import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ArchiveEntry, OwnedRecord } from '../archive.ts';
import { type Change, RESOURCES } from '../change.ts';
import type { Detail } from '../detail.ts';
import type { RunEvent } from '../execution.ts';
import type { EventRange } from '../memory/event-log.ts';
import type { Owner } from '../owner.ts';
import { DamagedFile } from './data-file-errors.ts';
import { AFTER_ALL, detailEntries, parseDetails } from './detail-entry.ts';
import { applyEvents, readEvents } from './event-entry.ts';
import type { OwnedMutation } from './journal.ts';
import { type Environment, openLmdb, type Records } from './open-lmdb.ts';
import { parseEntry, parseKey, withChecksum } from './record-entry.ts';
import { sortedDetails } from './sorted-details.ts';
import { type Upgrade, upgradeFormat } from './upgrades.ts';

/** The name of the file in its folder. */
export const DATA_FILE = 'data.mdb';

/** The length of the key that signs cursors. */
export const CURSOR_KEY_BYTES = 32;

/** The LMDB file with all records, the version of its format and the key that signs cursors. */
export class DataFile {
  readonly #environment: Environment;
  /** Signs the cursors. It is created with the file. */
  readonly cursorKey: Uint8Array;

  /**
   * Opens a file that `createDataFile` made, and upgrades it to the newest version of the format.
   * @throws DamagedFile
   * @throws NewerFile
   * @throws the error of the system or of LMDB
   */
  constructor(path: string, upgrades: readonly Upgrade[]) {
    this.#environment = openLmdb(path);
    const { root, meta } = this.#environment;
    try {
      this.cursorKey = root.transactionSync(() => {
        upgradeFormat(this.#environment, upgrades);
        const key = Buffer.from(meta.get('cursorKey') ?? '', 'hex');
        if (key.length !== CURSOR_KEY_BYTES) throw new DamagedFile('its key for cursors is missing');
        return key;
      });
    } catch (error) {
      void root.close();
      throw error;
    }
  }

  /**
   * Reads all records, owner by owner.
   * @throws DamagedFile about the first record that is not valid
   */
  *owners(): Generator<{ readonly owner: Owner; readonly records: readonly OwnedRecord[] }, void, undefined> {
    let owner: Owner | null = null;
    let records: OwnedRecord[] = [];
    let count = 0;
    for (const entry of this.#records.getRange()) {
      const record = parseEntry(entry);
      if (record.owner !== owner) {
        if (owner !== null) yield { owner, records };
        [owner, records] = [record.owner, []];
      }
      records.push(record);
      count++;
    }
    if (owner !== null) yield { owner, records };
    this.#checkCount(count);
  }

  /**
   * Reads all records in the order of an archive.
   * @throws DamagedFile about the first record that is not valid
   */
  *sorted(): Generator<ArchiveEntry, void, undefined> {
    let count = 0;
    for (let owner = this.#ownerAfter(null); owner !== null; owner = this.#ownerAfter(owner)) {
      for (const resource of RESOURCES) {
        const range = { start: [owner, resource], end: [owner, resource, AFTER_ALL] };
        for (const entry of this.#records.getRange(range)) {
          yield parseEntry(entry);
          count++;
        }
      }
      yield* sortedDetails(this.#environment, owner);
    }
    this.#checkCount(count);
  }

  /**
   * The details of an owner's records.
   * @throws DamagedFile about the first one that is not valid
   */
  detailsOf(owner: Owner): readonly Detail[] {
    const range = { start: [owner], end: [owner, AFTER_ALL] };
    return parseDetails(this.#environment.details.getRange(range));
  }

  /** Events of a run that are on disk, in order. @throws DamagedFile */
  events(owner: Owner, runId: string, range: EventRange): readonly RunEvent[] {
    return readEvents(this.#environment.events, owner, runId, range);
  }

  /** Whether there are no records. */
  get isEmpty(): boolean {
    return entryCount(this.#records) === 0;
  }

  /**
   * Stores all changes in one transaction; resolves when that is on disk. Rejects with LMDB's error when nothing is
   * stored: the file must not be written to any more then.
   */
  async write(mutations: readonly OwnedMutation[]): Promise<void> {
    try {
      await this.#records.batch(() => {
        for (const { owner, mutation } of mutations) {
          for (const change of mutation.changes) this.#put(owner, change);
          for (const detail of mutation.details) this.#putDetail(owner, detail);
          for (const change of mutation.events) applyEvents(this.#environment.events, owner, change);
        }
      });
    } catch (error) {
      throw await commitErrorOf(error);
    }
  }

  /** Closes the file, after all writes have ended. */
  close(): Promise<void> {
    return this.#environment.root.close();
  }

  get #records(): Records {
    return this.#environment.records;
  }

  #put(owner: Owner, { resource, before, after }: Change): void {
    const id = (after ?? before)?.id ?? '';
    // The promise of the batch covers those of its operations.
    if (after === null) void this.#records.remove([owner, resource, id]);
    else void this.#records.put([owner, resource, id], withChecksum(JSON.stringify(after)));
  }

  #putDetail(owner: Owner, detail: Detail): void {
    const { details } = this.#environment;
    for (const { kind, id, text } of detailEntries(detail)) {
      if (text === null) void details.remove([owner, kind, id]);
      else void details.put([owner, kind, id], withChecksum(text));
    }
  }

  #ownerAfter(owner: Owner | null): Owner | null {
    const range = { limit: 1, ...(owner === null ? {} : { start: [owner, AFTER_ALL] }) };
    for (const key of this.#records.getKeys(range)) return parseKey(key)[0];
    return null;
  }

  #checkCount(found: number): void {
    if (found !== entryCount(this.#records)) throw new DamagedFile('not all of its records can be found');
  }
}

function entryCount(records: Records): number {
  const stats: { readonly entryCount?: unknown } = records.getStats();
  return Number(stats.entryCount);
}

/** LMDB's error of a failed commit: a promise on the error that is thrown, which rejects shortly afterwards. */
async function commitErrorOf(failure: unknown): Promise<unknown> {
  if (!(failure instanceof Error) || !('commitError' in failure)) return failure;
  const reason = Promise.resolve(failure.commitError).catch((cause: unknown) => cause);
  return Promise.race([reason, nextTurn(failure)]);
}
