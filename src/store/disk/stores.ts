import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { errorMessage } from '../../lib/error-message.ts';
import type { Log } from '../../lib/log.ts';
import { Database } from '../memory/database.ts';
import { findInconsistency } from '../memory/find-inconsistency.ts';
import { createStores } from '../memory/stores.ts';
import { createCursors } from '../rules/cursor.ts';
import { createLeaseTokens } from '../rules/lease-token.ts';
import { DEFAULT_EVENT_RETENTION, type StoreOptions, SWEEP_INTERVAL } from '../store-options.ts';
import type { HeldCounts, OpenedStores } from '../stores.ts';
import { createDataFile, removeDraft } from './create-data-file.ts';
import { DamagedFile } from './data-file-errors.ts';
import { DATA_FILE, DataFile } from './data-file.ts';
import { createDurableStores } from './durable-stores.ts';
import { eventLogOnDisk } from './event-entry.ts';
import { syncFolder, withLockedFolder } from './folder.ts';
import { Journal } from './journal.ts';
import { checkPages } from './lmdb-pages.ts';
import { type Upgrade, UPGRADES } from './upgrades.ts';

/** What the stores on disk can be given. */
export interface DiskStoreOptions extends StoreOptions {
  /** Logs what was loaded, and that nothing can be written any more. */
  readonly log?: Pick<Log, 'info' | 'error'>;
  /** The upgrades of the file's format, from version 1 on. Default: `UPGRADES`. */
  readonly upgrades?: readonly Upgrade[];
}

/**
 * Opens stores that keep all records in memory, and each mutation on disk before it resolves. The folder is created
 * where there is none, and is locked for this process. When a mutation cannot be written, it and all later ones fail
 * with `StoreUnavailable`; reads still work.
 * @throws StoreError when the folder cannot be used, or its data file is damaged
 */
export async function openDiskStores(folder: string, options: DiskStoreOptions = {}): Promise<OpenedStores> {
  return withLockedFolder(folder, (unlock) => open(folder, unlock, options));
}

async function open(folder: string, unlock: () => void, options: DiskStoreOptions): Promise<OpenedStores> {
  const { publish = () => {}, publishEvents = () => {}, onReady = () => {} } = options;
  const { onStored = () => {}, onLeaseLost = () => {} } = options;
  const { now = Date.now, eventRetention = DEFAULT_EVENT_RETENTION, log, upgrades = UPGRADES } = options;
  const { sweepInterval = SWEEP_INTERVAL } = options;
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
    publish(owner, mutation) {
      if (mutation.changes.length > 0) {
        onStored(mutation.changes);
        publish(owner, mutation.changes, mutation.payloads);
      }
      for (const { appended } of mutation.events) if (appended !== null) publishEvents(owner, appended);
    },
    revert: (owner, mutation) => database.revert(owner, mutation),
    onFailure(reason) {
      log?.error(
        { folder, reason: errorMessage(reason) },
        'DATA_DIR cannot be written: no more mutations until a restart',
      );
    },
  });
  const database = new Database({
    publish: (owner, mutation) => journal.append(owner, mutation),
    onReady,
    onLeaseLost,
    now,
    cursors: createCursors(file.cursorKey),
    tokens: createLeaseTokens(file.cursorKey),
    events: eventLogOnDisk((owner, runId, range) => file.events(owner, runId, range)),
    eventRetention,
    eventMemory: Infinity,
  });
  const loadedCounts = await load(file, database);
  const milliseconds = Math.round(performance.now() - start);
  const { assistant, thread, run } = loadedCounts;
  log?.info({ folder, assistant, thread, run, milliseconds }, 'DATA_DIR loaded');
  const stores = createDurableStores(createStores(database), journal);
  const sweep = (): void => {
    if (journal.failure === null) database.sweep();
  };
  const timer = sweepInterval === null ? undefined : setInterval(sweep, sweepInterval).unref();
  return {
    forRequest: () => stores,
    sweep: () => {
      sweep();
      return journal.pending() ?? undefined;
    },
    isReady: () => journal.failure === null,
    loadedCounts,
    async close() {
      clearInterval(timer);
      await journal.close();
      await file.close();
      unlock();
    },
  };
}

/** Loads all records into memory. The file is closed when one of them is damaged. @throws DamagedFile */
async function load(file: DataFile, database: Database): Promise<HeldCounts> {
  const activeRuns = { PENDING: 0, RUNNING: 0 };
  const counts = { assistant: 0, thread: 0, run: 0, activeRuns };
  try {
    for (const { owner, records } of file.owners()) {
      database.load(owner, records, file.detailsOf(owner));
      const problem = findInconsistency(database.partition(owner));
      if (problem !== null) throw new DamagedFile(problem);
      for (const { resource, after } of records) {
        counts[resource]++;
        if (resource === 'run' && (after.status === 'PENDING' || after.status === 'RUNNING')) {
          activeRuns[after.status]++;
        }
      }
    }
  } catch (error) {
    await file.close();
    throw error;
  }
  return counts;
}
