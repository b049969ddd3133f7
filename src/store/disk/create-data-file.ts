import { randomBytes } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import type { ArchiveEntry } from '../archive.ts';
import { CURSOR_KEY_BYTES } from './data-file.ts';
import { putEvent } from './event-entry.ts';
import { type Environment, lockFileOf, openLmdb } from './open-lmdb.ts';
import { withChecksum } from './record-entry.ts';
import type { Upgrade } from './upgrades.ts';

/** The maximum size of a new file without records, in bytes. */
const NEW_FILE_BYTES = 65_536;

/**
 * Creates a data file, which replaces an existing one. It is written under another name and renamed when it is complete,
 * so that an empty file is always a damaged one.
 * @param batches its records. Default: none.
 * @throws the error of the system or of LMDB, or that of the iteration
 */
export async function createDataFile(
  path: string,
  upgrades: readonly Upgrade[],
  batches?: AsyncIterable<readonly ArchiveEntry[]>,
): Promise<void> {
  const draft = draftOf(path);
  removeDraft(path);
  try {
    await writeDraft(draft, upgrades, batches);
    renameSync(draft, path);
  } finally {
    removeDraft(path);
  }
}

/** Deletes the incomplete file of a process that ended while it created a data file. */
export function removeDraft(path: string): void {
  const draft = draftOf(path);
  for (const file of [draft, lockFileOf(draft)]) rmSync(file, { force: true });
}

function draftOf(path: string): string {
  return `${path}.new`;
}

async function writeDraft(
  draft: string,
  upgrades: readonly Upgrade[],
  batches: AsyncIterable<readonly ArchiveEntry[]> | undefined,
): Promise<void> {
  // LMDB ends the process by a signal when the disk has no space for a new file: this fails with an error instead.
  writeFileSync(draft, Buffer.alloc(NEW_FILE_BYTES), { flush: true });
  rmSync(draft);
  const environment = openLmdb(draft);
  const { root, meta } = environment;
  try {
    root.transactionSync(() => {
      void meta.put('version', String(1 + upgrades.length));
      void meta.put('cursorKey', randomBytes(CURSOR_KEY_BYTES).toString('hex'));
    });
    if (batches !== undefined) await fill(environment, batches);
  } finally {
    await root.close();
  }
}

/** Writes each batch in a transaction of its own: the draft is discarded when one fails. */
async function fill(
  environment: Environment,
  batches: AsyncIterable<readonly ArchiveEntry[]>,
): Promise<void> {
  for await (const batch of batches) {
    environment.root.transactionSync(() => {
      for (const entry of batch) putEntry(environment, entry);
    });
  }
}

function putEntry({ records, details, events }: Environment, entry: ArchiveEntry): void {
  const { owner } = entry;
  if ('resource' in entry) {
    void records.put([owner, entry.resource, entry.after.id], withChecksum(JSON.stringify(entry.after)));
  } else if (entry.detail === 'event') {
    putEvent(events, owner, entry.id, entry.value);
  } else if (entry.detail === 'payload') {
    void details.put([owner, entry.name, entry.id], withChecksum(entry.value));
  } else {
    void details.put([owner, entry.detail, entry.id], withChecksum(JSON.stringify(entry.value)));
  }
}
