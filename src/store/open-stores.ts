import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { createMemoryStores, type StoreOptions } from './memory/stores.ts';
import type { Owner } from './owner.ts';
import type { OpenedStores } from './stores.ts';

/** What the stores tell of. */
export interface StoreObserver extends Required<Pick<StoreOptions, 'publish'>> {
  /** Whether anybody wants to know of an owner's changes. */
  wants(owner: Owner): boolean;
  /** Called when changes may have been missed. */
  interrupt(): void;
  readonly log: Logger;
}

/**
 * Opens the stores that the configuration asks for, and reads the code of no other.
 * @throws StoreError where they cannot be opened
 */
export async function openStores(
  { dataDir, database }: Pick<Config, 'dataDir' | 'database'>,
  observer: StoreObserver,
): Promise<OpenedStores> {
  if (dataDir !== null) {
    const { openDiskStores } = await import('./disk/stores.ts');
    return openDiskStores(dataDir, observer);
  }
  if (database !== null) {
    const { openPostgresStores } = await import('./postgres/stores.ts');
    return openPostgresStores(database, observer);
  }
  const stores = createMemoryStores(observer);
  return {
    forRequest: () => stores,
    isReady: () => true,
    held: { assistant: 0, thread: 0, run: 0 },
    close: () => {},
  };
}
