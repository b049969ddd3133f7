import { randomBytes } from 'node:crypto';
import { createCursors } from '../rules/cursor.ts';
import { createLeaseTokens } from '../rules/lease-token.ts';
import { DEFAULT_EVENT_RETENTION, type StoreOptions, SWEEP_INTERVAL } from '../store-options.ts';
import type { OpenedStores, Stores } from '../stores.ts';
import { createAssistants } from './assistants.ts';
import { Database } from './database.ts';
import { MemoryEventLog } from './event-log.ts';
import { createQueue } from './queue.ts';
import { createRuns } from './runs.ts';
import { createThreads } from './threads.ts';

/** The bytes of events that are kept in memory: with more, those of the runs that ended first are dropped. */
const EVENT_MEMORY = 268_435_456;

/** Options of the stores in memory. */
export interface MemoryStoreOptions extends StoreOptions {
  /** How many bytes of events may be kept. Default: 256 MiB. */
  readonly eventMemory?: number;
}

/** Opens empty stores in memory, which are lost with the process, as is the key that signs their cursors and leases. */
export function openMemoryStores({
  publish = () => {},
  publishEvents = () => {},
  onStored = () => {},
  onLeaseLost = () => {},
  onReady = () => {},
  eventRetention = DEFAULT_EVENT_RETENTION,
  eventMemory = EVENT_MEMORY,
  sweepInterval = SWEEP_INTERVAL,
  now = Date.now,
}: MemoryStoreOptions = {}): OpenedStores {
  const key = randomBytes(32);
  const database: Database = new Database({
    publish(owner, mutation) {
      if (mutation.changes.length > 0) {
        onStored(mutation.changes);
        publish(owner, mutation.changes, mutation.payloads);
      }
      for (const { appended } of mutation.events) if (appended !== null) publishEvents(owner, appended);
    },
    onReady,
    onLeaseLost,
    cursors: createCursors(key),
    tokens: createLeaseTokens(key),
    events: new MemoryEventLog(),
    eventRetention,
    eventMemory,
    now,
  });
  const stores = createStores(database);
  const timer =
    sweepInterval === null ? undefined : setInterval(() => database.sweep(), sweepInterval).unref();
  return {
    forRequest: () => stores,
    isReady: () => true,
    loadedCounts: { assistant: 0, thread: 0, run: 0, activeRuns: { PENDING: 0, RUNNING: 0 } },
    sweep: () => database.sweep(),
    close: () => clearInterval(timer),
  };
}

/** {@link openMemoryStores} without sweeps: they need not be closed. */
export function createMemoryStores(options: MemoryStoreOptions = {}): Stores {
  return openMemoryStores({ ...options, sweepInterval: null }).forRequest();
}

/** The stores of a database. */
export function createStores(database: Database): Stores {
  return {
    assistants: createAssistants(database),
    threads: createThreads(database),
    runs: createRuns(database),
    queue: createQueue(database),
  };
}
