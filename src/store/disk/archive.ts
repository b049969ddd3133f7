import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Archive, Stored } from '../archive.ts';
import { StoreError } from '../store-error.ts';
import { createDataFile, DATA_FILE, DataFile, UPGRADES } from './data-file.ts';
import { inFolder, quote, syncFolder } from './folder.ts';
import { checkPages } from './lmdb-pages.ts';

/** How many records are given away together. */
const TOGETHER = 100;

/** All data in a folder, which no server may use meanwhile. */
export function diskArchive(folder: string): Archive {
  const path = join(folder, DATA_FILE);
  return {
    async read(take) {
      // Nothing is made where there is nothing.
      if (!existsSync(path)) throw new StoreError(`DATA_DIR ${quote(folder)} has no data in it.`);
      await inFolder(folder, async (unlock) => {
        await withFile(path, async (file) => {
          let some: Stored[] = [];
          for (const record of file.sorted()) {
            if (some.push(record) < TOGETHER) continue;
            await take(some);
            some = [];
          }
          await take(some);
        });
        unlock();
      });
    },
    fill: (records) =>
      inFolder(folder, async (unlock) => {
        if (existsSync(path) && !(await withFile(path, async (file) => file.isEmpty))) {
          throw new StoreError(`DATA_DIR ${quote(folder)} has records in it: import into an empty folder.`);
        }
        // The new file takes the place of the empty one once it is whole: what stops before leaves that as it was.
        await createDataFile(path, UPGRADES, records);
        syncFolder(folder);
        unlock();
      }),
  };
}

async function withFile<T>(path: string, work: (file: DataFile) => Promise<T>): Promise<T> {
  checkPages(path);
  const file = new DataFile(path, UPGRADES);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}
