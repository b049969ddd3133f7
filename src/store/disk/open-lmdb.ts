import { rmSync, writeFileSync } from 'node:fs';
import { type Database, open, type RootDatabase } from 'lmdb';

/** The records of a data file: `[owner, resource, id]` to what `encodeRecord` returns. */
export type Records = Database<string>;

/**
 * The details of records: `[owner, kind, id]` to a checksum and JSON. See `detail-entry.ts`.
 */
export type Details = Database<string>;

/** The events of runs: `[owner, run id, seq]` to a checksum and JSON. */
export type Events = Database<string>;

/** An open LMDB environment with its databases. */
export interface Environment {
  readonly root: RootDatabase<string>;
  /** The version of the format (`version`), and the key that signs cursors in hex digits (`cursorKey`). */
  readonly meta: Database<string>;
  readonly records: Records;
  readonly details: Details;
  readonly events: Events;
}

/** The size of LMDB's lock file in bytes, rounded up to pages. */
const LOCK_FILE_BYTES = 12_288;

/**
 * Opens a data file, which is created where there is none. LMDB ends the process by a signal when the disk has no space
 * for its lock file, which it maps into memory: so the file is written here first. No other process uses it, since the
 * folder is locked.
 * @throws the error of the system or of LMDB
 */
export function openLmdb(path: string): Environment {
  const lockFile = lockFileOf(path);
  rmSync(lockFile, { force: true });
  writeFileSync(lockFile, Buffer.alloc(LOCK_FILE_BYTES), { mode: 0o600, flag: 'wx', flush: true });
  const options = {
    path,
    noSubdir: true,
    maxDbs: 4,
    encoding: 'string',
    // A commit resolves when it is on disk, and not before.
    overlappingSync: false,
    // The journal makes the batches. LMDB's own have a promise whose rejection nothing handles.
    eventTurnBatching: false,
    // LMDB's types leave it out.
    permissionsMode: 0o600,
  } as const;
  const root = open<string>(options);
  try {
    const meta = root.openDB<string>({ name: 'meta', encoding: 'string' });
    const records = root.openDB<string>({ name: 'records', encoding: 'string' });
    const details = root.openDB<string>({ name: 'details', encoding: 'string' });
    const events = root.openDB<string>({ name: 'events', encoding: 'string' });
    return { root, meta, records, details, events };
  } catch (error) {
    void root.close();
    throw error;
  }
}

/** The lock file that LMDB keeps beside a data file. */
export function lockFileOf(path: string): string {
  return `${path}-lock`;
}
