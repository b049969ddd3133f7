import { randomBytes } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { type Database, type Key, open, type RootDatabase } from 'lmdb';
import type { Stored } from '../archive.ts';
import { type Change, RESOURCES } from '../change.ts';
import { isOwner, type Owner } from '../owner.ts';
import { type Creation, readRecord } from '../rules/stored.ts';
import { DamagedFile, NewerFile } from './damaged-file.ts';
import type { Mutation } from './journal.ts';

/** The records of a file: owner, resource and id to a checksum of 8 hex digits with JSON after it. */
export type Records = Database<string>;

/** Brings all records from one version of the format to the next. */
export type Upgrade = (records: Records) => void;

/** The steps from version 1 on, in order: the format's version is one more than there are. */
export const UPGRADES: readonly Upgrade[] = [];

/** The file's name in its folder. */
export const DATA_FILE = 'data.mdb';

const KEY_BYTES = 32;

/** The LMDB file with all records, their format's version and the cursors' key. */
export class DataFile {
  readonly #root: RootDatabase<string>;
  readonly #records: Records;
  /** Signs the cursors: made once, with the file. */
  readonly cursorKey: Uint8Array;

  /**
   * Opens a file that {@link createDataFile} made, and brings it to this program's version of the format.
   * @throws DamagedFile
   * @throws NewerFile
   * @throws the system's or LMDB's error
   */
  constructor(path: string, upgrades: readonly Upgrade[]) {
    this.#root = openRoot(path);
    try {
      const meta = this.#root.openDB<string>({ name: 'meta', encoding: 'string' });
      this.#records = this.#root.openDB<string>({ name: 'records', encoding: 'string' });
      this.cursorKey = this.#root.transactionSync(() => migrate(meta, this.#records, upgrades));
    } catch (error) {
      void this.#root.close();
      throw error;
    }
  }

  /**
   * All records of an owner after another.
   * @throws DamagedFile about the first one that cannot be
   */
  *owners(): Generator<{ readonly owner: Owner; readonly records: readonly Creation[] }, void, undefined> {
    let owner: Owner | null = null;
    let records: Creation[] = [];
    let count = 0;
    for (const entry of this.#records.getRange()) {
      const { owner: of, record } = readEntry(entry);
      if (of !== owner) {
        if (owner !== null) yield { owner, records };
        [owner, records] = [of, []];
      }
      records.push(record);
      count++;
    }
    if (owner !== null) yield { owner, records };
    this.#checkCount(count);
  }

  /**
   * All records: by owner, of each the assistants, then the threads, then the runs, and these by id.
   * @throws DamagedFile about the first one that cannot be
   */
  *sorted(): Generator<Stored, void, undefined> {
    let count = 0;
    for (let owner = this.#ownerAfter(null); owner !== null; owner = this.#ownerAfter(owner)) {
      for (const resource of RESOURCES) {
        const range = { start: [owner, resource], end: [owner, resource, END] };
        for (const entry of this.#records.getRange(range)) {
          yield { owner, ...readEntry(entry).record };
          count++;
        }
      }
    }
    this.#checkCount(count);
  }

  /** Whether there are no records. */
  get isEmpty(): boolean {
    return entriesOf(this.#records) === 0;
  }

  #ownerAfter(owner: Owner | null): Owner | null {
    const range = this.#records.getKeys({ limit: 1, ...(owner === null ? {} : { start: [owner, END] }) });
    for (const key of range) return readKey(key)[0];
    return null;
  }

  #checkCount(found: number): void {
    if (found !== entriesOf(this.#records)) throw new DamagedFile('not all of its records can be found');
  }

  /**
   * Stores all changes in one transaction; done when that is on disk. Rejects with LMDB's error when nothing of it is
   * stored; the file must not be written to any more then.
   */
  async write(mutations: readonly Mutation[]): Promise<void> {
    try {
      await this.#records.batch(() => {
        for (const { owner, changes } of mutations) for (const change of changes) this.#put(owner, change);
      });
    } catch (error) {
      throw await reasonOf(error);
    }
  }

  #put(owner: Owner, { resource, before, after }: Change): void {
    const id = (after ?? before)?.id ?? '';
    // The batch's own promise tells of all of them.
    if (after === null) void this.#records.remove([owner, resource, id]);
    else void this.#records.put([owner, resource, id], withChecksum(JSON.stringify(after)));
  }

  /** Lets go of the file, once all that was to be written has been. */
  close(): Promise<void> {
    return this.#root.close();
  }
}

/**
 * Makes a file, in the place of the one that there may be. It has its name only when it is whole, so that one that is
 * empty is a damaged one.
 * @param contents none unless given
 * @throws the system's or LMDB's error, or that of the contents
 */
export async function createDataFile(
  path: string,
  upgrades: readonly Upgrade[],
  contents?: AsyncIterable<readonly Stored[]>,
): Promise<void> {
  const draft = draftOf(path);
  removeDraft(path);
  try {
    await writeDraft(draft, upgrades, contents);
    renameSync(draft, path);
  } finally {
    removeDraft(path);
  }
}

async function writeDraft(
  draft: string,
  upgrades: readonly Upgrade[],
  contents: AsyncIterable<readonly Stored[]> | undefined,
): Promise<void> {
  // Whether there is room, too, is asked before LMDB finds out.
  writeFileSync(draft, Buffer.alloc(NEW_BYTES), { flush: true });
  rmSync(draft);
  const root = openRoot(draft);
  try {
    const meta = root.openDB<string>({ name: 'meta', encoding: 'string' });
    root.transactionSync(() => {
      void meta.put('version', String(1 + upgrades.length));
      void meta.put('cursorKey', randomBytes(KEY_BYTES).toString('hex'));
    });
    if (contents !== undefined) await fill(root, contents);
  } finally {
    await root.close();
  }
}

/** A transaction for each few records: the file has no name yet. */
async function fill(root: RootDatabase<string>, contents: AsyncIterable<readonly Stored[]>): Promise<void> {
  const records: Records = root.openDB<string>({ name: 'records', encoding: 'string' });
  for await (const some of contents) {
    root.transactionSync(() => {
      for (const { owner, resource, after } of some) {
        void records.put([owner, resource, after.id], withChecksum(JSON.stringify(after)));
      }
    });
  }
}

/** Deletes what is left of a file that was being made when its process ended. */
export function removeDraft(path: string): void {
  const draft = draftOf(path);
  for (const left of [draft, lockOf(draft)]) rmSync(left, { force: true });
}

function lockOf(path: string): string {
  return `${path}-lock`;
}

function draftOf(path: string): string {
  return `${path}.new`;
}

/** What LMDB's lock file takes, in bytes, rounded up to pages. */
const LOCK_BYTES = 12_288;
/** What a new file takes at most, in bytes. */
const NEW_BYTES = 65_536;

/**
 * Where LMDB cannot open its files it may end the process by a signal, and so it does when the disk has no room for the
 * lock file that it maps into memory. So that file is written here; nobody else has it, since the folder is locked.
 */
function openRoot(path: string): RootDatabase<string> {
  const lock = lockOf(path);
  rmSync(lock, { force: true });
  writeFileSync(lock, Buffer.alloc(LOCK_BYTES), { mode: 0o600, flag: 'wx', flush: true });
  const options = {
    path,
    noSubdir: true,
    maxDbs: 2,
    encoding: 'string',
    // A commit is done when it is on disk, and not before.
    overlappingSync: false,
    // Batches are made here. Those that LMDB makes itself have a promise of their own, which nobody hears when it fails.
    eventTurnBatching: false,
    permissionsMode: 0o600,
  } as const;
  return open<string>(options);
}

/** Brings a file to the newest version. @returns the cursors' key */
function migrate(meta: Database<string>, records: Records, upgrades: readonly Upgrade[]): Uint8Array {
  const newest = 1 + upgrades.length;
  const stored = meta.get('version') ?? '';
  if (!/^[1-9]\d{0,5}$/.test(stored)) throw new DamagedFile('its version is no number');
  const version = Number(stored);
  if (version > newest) {
    throw new NewerFile(`has version ${version} of the format, and this program knows ${newest} at most`);
  }
  const key = Buffer.from(meta.get('cursorKey') ?? '', 'hex');
  if (key.length !== KEY_BYTES) throw new DamagedFile("its cursors' key is missing");
  if (version === newest) return key;
  for (const upgrade of upgrades.slice(version - 1)) upgrade(records);
  void meta.put('version', String(newest));
  return key;
}

function entriesOf(records: Records): number {
  const stats: { readonly entryCount?: unknown } = records.getStats();
  return Number(stats.entryCount);
}

/** Comes after all ids and kinds. */
const END = '\uffff';

function readEntry({ key, value }: { readonly key: Key; readonly value: string }) {
  const [owner, resource, id] = readKey(key);
  const read = readRecord(resource, owner, readText(value, id));
  if ('problem' in read) throw new DamagedFile(`the ${resource} ${id} ${read.problem}`);
  if (read.after.id !== id) throw new DamagedFile(`the ${resource} ${id} has another id in it`);
  return { owner, record: read };
}

function readKey(key: Key): readonly [owner: Owner, resource: Change['resource'], id: string] {
  if (Array.isArray(key) && key.length === 3) {
    const [owner, kind, id] = key;
    const resource = RESOURCES.find((known) => known === kind);
    if (isOwner(owner) && resource !== undefined && typeof id === 'string') return [owner, resource, id];
  }
  throw new DamagedFile('it has a record without owner, kind and id');
}

const CHECKSUM_DIGITS = 8;

/** JSON with a checksum before it: of bits that fell over, most leave good JSON. */
export function withChecksum(json: string): string {
  return crc32(json).toString(16).padStart(CHECKSUM_DIGITS, '0') + json;
}

function readText(text: string, id: string): unknown {
  const json = text.slice(CHECKSUM_DIGITS);
  if (crc32(json) !== Number.parseInt(text.slice(0, CHECKSUM_DIGITS), 16)) {
    throw new DamagedFile(`the record ${id.slice(0, 32)} has a wrong checksum`);
  }
  const value: unknown = JSON.parse(json);
  return value;
}

/** LMDB's own error: it comes a moment after the one that says that there is one. */
async function reasonOf(failure: unknown): Promise<unknown> {
  if (!(failure instanceof Error) || !('commitError' in failure)) return failure;
  const reason = Promise.resolve(failure.commitError).catch((cause: unknown) => cause);
  return Promise.race([reason, nextTurn(failure)]);
}
