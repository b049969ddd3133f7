import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Archive, ArchiveEntry } from '../archive.ts';
import { StoreError } from '../store-error.ts';
import { createDataFile } from './create-data-file.ts';
import { DATA_FILE, DataFile } from './data-file.ts';
import { quote, syncFolder, withLockedFolder } from './folder.ts';
import { checkPages } from './lmdb-pages.ts';
import { UPGRADES } from './upgrades.ts';

/** The number of records and details in a batch: a payload has 512 KiB at most. */
const BATCH_SIZE = 25;

/** All records in a folder, which no server may use meanwhile. */
export function diskArchive(folder: string): Archive {
  const path = join(folder, DATA_FILE);
  return {
    async read(onBatch) {
      // Before the folder is locked, which would create it.
      if (!existsSync(path)) throw new StoreError(`DATA_DIR ${quote(folder)} has no data in it.`);
      await withLockedFolder(folder, async (unlock) => {
        await withDataFile(path, async (file) => {
          let batch: ArchiveEntry[] = [];
          for (const entry of file.sorted()) {
            if (batch.push(entry) < BATCH_SIZE) continue;
            await onBatch(batch);
            batch = [];
          }
          await onBatch(batch);
        });
        unlock();
      });
    },
    fill: (batches) =>
      withLockedFolder(folder, async (unlock) => {
        if (existsSync(path) && !(await withDataFile(path, async (file) => file.isEmpty))) {
          throw new StoreError(`DATA_DIR ${quote(folder)} has records in it: import into an empty folder.`);
        }
        // The new file replaces the empty one when it is complete: a failed import leaves that as it was.
        await createDataFile(path, UPGRADES, batches);
        syncFolder(folder);
        unlock();
      }),
  };
}

async function withDataFile<T>(path: string, work: (file: DataFile) => Promise<T>): Promise<T> {
  checkPages(path);
  const file = new DataFile(path, UPGRADES);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}
