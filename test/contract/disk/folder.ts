import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DiskStoreOptions, openDiskStores } from '../../../src/store/disk/stores.ts';
import type { OpenStores } from '../../support/bench.ts';

/** Where a commit costs next to nothing: what is tested here is not the disk. */
const FAST = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** A new folder, to be deleted after the test. */
export function makeFolder() {
  const path = mkdtempSync(join(FAST, 'agent-graphql-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Runs a test in a folder of its own. */
export async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = makeFolder();
  try {
    await test(folder.path);
  } finally {
    folder.remove();
  }
}

/** Opens stores in a folder of their own, which is deleted when they are closed. */
export const openInFolder: OpenStores = async (options: DiskStoreOptions) => {
  const folder = makeFolder();
  const opened = await openDiskStores(folder.path, options);
  return {
    stores: opened.forRequest(),
    sweep: () => opened.sweep(),
    async close() {
      await opened.close();
      folder.remove();
    },
  };
};
