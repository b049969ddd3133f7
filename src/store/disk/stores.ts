import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { Database } from '../memory/database.ts';
import { shelfProblem } from '../memory/shelf-problem.ts';
import { createStores, type StoreOptions } from '../memory/stores.ts';
import { createCursors } from '../rules/cursor.ts';
import type { Counts, OpenedStores } from '../stores.ts';
import { DamagedFile } from './damaged-file.ts';
import { createDataFile, DATA_FILE, DataFile, removeDraft, type Upgrade, UPGRADES } from './data-file.ts';
import { createDurableStores } from './durable-stores.ts';
import { inFolder, messageOf, syncFolder } from './folder.ts';
import { Journal } from './journal.ts';
import { checkPages } from './lmdb-pages.ts';

/** What the stores on disk need from outside. */
export interface DiskStoreOptions extends StoreOptions {
  /** Is told what was loaded, and that nothing can be written any more. */
  readonly log?: Pick<Logger, 'info' | 'error'>;
  /** The steps from version 1 of the file's format to the newest: this program's own unless told. */
  readonly upgrades?: readonly Upgrade[];
}

/**
 * Stores that keep everything in memory, and each mutation on disk before it answers. The folder is made where there
 * is none, and belongs to one process at a time. When a mutation cannot be written, it and all later ones fail with
 * `StoreUnavailable`, and reads go on.
 * @throws StoreError when the folder cannot be used, or what is in it is damaged
 */
export async function openDiskStores(folder: string, options: DiskStoreOptions = {}): Promise<OpenedStores> {
  return inFolder(folder, (unlock) => open(folder, unlock, options));
}

async function open(folder: string, unlock: () => void, options: DiskStoreOptions): Promise<OpenedStores> {
  const { publish = () => {}, now = Date.now, log, upgrades = UPGRADES } = options;
  const start = performance.now();
  const path = join(folder, DATA_FILE);
  removeDraft(path);
  if (!existsSync(path)) {
    await createDataFile(path, upgrades);
    syncFolder(folder);
  }
  checkPages(path);
  const file = new DataFile(path, upgrades);
  const journal: Journal = new Journal({
    write: (mutations) => file.write(mutations),
    publish,
    undo: (owner, changes) => database.undo(owner, changes),
    onFailure(reason) {
      log?.error(
        { folder, reason: messageOf(reason) },
        'DATA_DIR cannot be written: no more mutations until a restart',
      );
    },
  });
  const database = new Database({
    publish: (owner, changes) => journal.append(owner, changes),
    now,
    cursors: createCursors(file.cursorKey),
  });
  const held = await load(file, database);
  const milliseconds = Math.round(performance.now() - start);
  log?.info({ folder, ...held, milliseconds }, 'DATA_DIR loaded');
  const stores = createDurableStores(createStores(database), journal);
  return {
    forRequest: () => stores,
    isReady: () => journal.failure === null,
    held,
    async close() {
      await journal.close();
      await file.close();
      unlock();
    },
  };
}

/** Brings all records to memory. The file is closed when they cannot be. @throws DamagedFile */
async function load(file: DataFile, database: Database): Promise<Counts> {
  const held = { assistant: 0, thread: 0, run: 0 };
  try {
    for (const { owner, records } of file.owners()) {
      database.load(owner, records);
      const problem = shelfProblem(database.shelf(owner));
      if (problem !== null) throw new DamagedFile(problem);
      for (const { resource } of records) held[resource]++;
    }
  } catch (error) {
    await file.close();
    throw error;
  }
  return held;
}
