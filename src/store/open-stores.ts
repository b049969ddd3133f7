import type { Log } from '../lib/log.ts';
import { openMemoryStores } from './memory/stores.ts';
import type { FollowedRun } from './execution.ts';
import type { Owner } from './owner.ts';
import type { Storage } from './storage.ts';
import type { StoreOptions } from './store-options.ts';
import type { OpenedStores } from './stores.ts';

/** The callbacks and options of the stores of a server. */
export interface StoreObserver extends Required<
  Pick<StoreOptions, 'publish' | 'publishEvents' | 'onStored' | 'onLeaseLost' | 'onReady' | 'eventRetention'>
> {
  /** Whether this process has subscribers to an owner's changes. */
  hasSubscribers(owner: Owner): boolean;
  /** The runs whose events are followed in this process. */
  followedRuns(): readonly FollowedRun[];
  /** Called when changes may have been missed. */
  onMissedChanges(): void;
  readonly log: Log;
}

/**
 * Opens the stores of the storage that is configured, or in memory where none is, without loading the code of any other.
 * @throws StoreError when they cannot be opened
 */
export async function openStores(
  { dataDir, database }: Storage,
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
  return openMemoryStores(observer);
}
