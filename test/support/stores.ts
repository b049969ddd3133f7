import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject, onTestFinished } from 'vitest';
import type { ClaimWaiters } from '../../src/subscriptions/claim-waiters.ts';
import type { ChangeFeed } from '../../src/subscriptions/change-feed.ts';
import type { Subscribers } from '../../src/subscriptions/subscribers.ts';
import { createMemoryStores } from '../../src/store/memory/stores.ts';
import type { OpenedStores, Stores } from '../../src/store/stores.ts';
import { lazyStores } from './lazy-stores.ts';
import { configFor } from './postgres/config.ts';
import { recycledDatabase } from './postgres/recycled.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** What the API's stores are made of in this project of vitest.config.ts. */
    readonly storeKind: StoreKind;
  }
}

/** What stores are made of. */
export type StoreKind = 'memory' | 'disk' | 'postgres';

/** Stores with nothing in them, until the end of the test that first calls them. */
export interface TestStores {
  /** The stores, each call as a request of its own. */
  readonly stores: Stores;
  /** The stores as one request sees them. */
  forRequest(): Stores;
  /** Is done once everybody has been told of what was changed before. */
  settled(): Promise<void>;
}

/** The clock that the stores read, and whom they tell. */
export interface TestStoreOptions {
  readonly now: () => number;
  readonly changes: ChangeFeed;
  readonly subscribers: Subscribers;
  readonly claimWaiters: ClaimWaiters;
}

/** What the stores call. */
function observersOf({ now, changes, claimWaiters }: TestStoreOptions) {
  const { publish, publishEvents } = changes;
  return { now, publish, publishEvents, onReady: claimWaiters.notify };
}

/** Makes the stores of this project, at once: those that have to be opened are opened by the first call. */
export function createTestStores(options: TestStoreOptions): TestStores {
  const kind = inject('storeKind');
  if (kind === 'memory') {
    const stores = createMemoryStores(observersOf(options));
    return { stores, forRequest: () => stores, settled: async () => {} };
  }
  let opened: Promise<Opened> | undefined;
  const request = async () => {
    opened ??= openUntilEnd(kind, options);
    return (await opened).forRequest();
  };
  return {
    stores: lazyStores(request),
    forRequest() {
      let asked: Promise<Stores> | undefined;
      return lazyStores(() => (asked ??= request()));
    },
    settled: async () => (await opened)?.settled(),
  };
}

/** Stores that were opened. */
interface Opened extends Pick<OpenedStores, 'forRequest'> {
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** Opens stores until the end of the test that runs. */
async function openUntilEnd(kind: Exclude<StoreKind, 'memory'>, options: TestStoreOptions): Promise<Opened> {
  const opening = kind === 'disk' ? openOnDisk(options) : openInPostgres(options);
  onTestFinished(async () => (await opening).close());
  return opening;
}

async function openOnDisk(options: TestStoreOptions): Promise<Opened> {
  const { openDiskStores } = await import('../../src/store/disk/stores.ts');
  const folder = await mkdtemp(join(tmpdir(), 'agent-graphql-stores-'));
  const opened = await openDiskStores(folder, observersOf(options));
  return {
    forRequest: () => opened.forRequest(),
    // It tells before it answers.
    settled: async () => {},
    async close() {
      await opened.close();
      await rm(folder, { recursive: true });
    },
  };
}

async function openInPostgres(options: TestStoreOptions): Promise<Opened> {
  const { openPostgresStores } = await import('../../src/store/postgres/stores.ts');
  const { hasSubscribers } = options.changes;
  const { interrupt: onMissedChanges } = options.subscribers;
  const database = await recycledDatabase();
  const opened = await openPostgresStores(configFor(database.url, PATIENT), {
    ...observersOf(options),
    hasSubscribers,
    onMissedChanges,
  });
  return {
    forRequest: () => opened.forRequest(),
    settled: () => opened.drainNotifications(),
    async close() {
      await opened.close();
      await database.release();
    },
  };
}

/** For a machine that has more to do. */
const PATIENT = { poolSize: 4, statementTimeout: 100_000, connectTimeout: 100_000 };
