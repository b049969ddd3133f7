import type { FollowedRun } from '../execution.ts';
import type { Owner } from '../owner.ts';
import { createCursors } from '../rules/cursor.ts';
import { createLeaseTokens } from '../rules/lease-token.ts';
import { createRunQueue } from '../rules/execution/run-queue.ts';
import { DEFAULT_EVENT_RETENTION, type StoreOptions, SWEEP_INTERVAL } from '../store-options.ts';
import type { OpenedStores, Stores } from '../stores.ts';
import { CallBatches } from './client/call-batches.ts';
import { databaseClock } from './client/clock.ts';
import type { DatabaseConfig } from './client/database-config.ts';
import type { Database } from './client/database.ts';
import { openError } from './client/errors.ts';
import { createPool } from './client/pool.ts';
import { acceptsWrites, bypassesRowSecurity } from './client/server-checks.ts';
import { SnapshotReader } from './client/snapshot-reader.ts';
import { migrate } from './migrations/migrate.ts';
import { createAnnouncer } from './notifications/announcer.ts';
import { deleteOldChanges } from './notifications/change-log.ts';
import { pollEvents } from './notifications/event-poll.ts';
import { listen, type ListenerTimes } from './notifications/listener.ts';
import { createAssistants } from './queries/assistants.ts';
import { cursorKey } from './queries/cursor-key.ts';
import type { RunCreations } from './queries/create-together.ts';
import type { StoreDependencies } from './queries/dependencies.ts';
import { createRuns } from './queries/runs.ts';
import { createThreads } from './queries/threads.ts';
import { createDecide, type RunCalls } from './queue/decide.ts';
import { createSweeper } from './queue/sweeper.ts';
import { createClaim, createTurns } from './queue/claim.ts';
import { ExpectedOwners } from './queue/expected-owners.ts';

/** The interval at which old changes are deleted, in milliseconds. */
const CLEANUP_INTERVAL = 60_000;

/** What the stores in PostgreSQL can be given. */
export interface PostgresStoreOptions extends StoreOptions {
  /**
   * Whether this process has subscribers to an owner's changes: the changes of other owners are not read. Default: all
   * changes are published.
   */
  readonly hasSubscribers?: (owner: Owner) => boolean;
  /** The runs whose events are followed in this process. Default: none. */
  readonly followedRuns?: () => readonly FollowedRun[];
  /** Called when changes may have been missed. */
  readonly onMissedChanges?: () => void;
  readonly log?: { warn(fields: object, message: string): void };
  readonly listenerTimes?: Partial<ListenerTimes>;
}

/** Stores in PostgreSQL. */
export interface PostgresStores extends OpenedStores {
  /** Resolves when all that any server has stored before this call is published in this process. */
  drainNotifications(): Promise<void>;
}

/**
 * Opens the stores in a database, and migrates it first. A mutation's changes, and those of other servers, are published
 * when their notification arrives, which may be after the mutation has resolved.
 * @throws StoreError when the database cannot be used
 */
export async function openPostgresStores(
  config: DatabaseConfig,
  {
    publish = () => {},
    now,
    onReady = () => {},
    publishEvents = () => {},
    eventRetention = DEFAULT_EVENT_RETENTION,
    hasSubscribers = () => true,
    followedRuns = () => [],
    onMissedChanges = () => {},
    log = { warn: () => {} },
    listenerTimes,
    sweepInterval = SWEEP_INTERVAL,
  }: PostgresStoreOptions = {},
): Promise<PostgresStores> {
  const pool = createPool(config);
  const database: Database = { pool, statementTimeout: config.statementTimeout };
  try {
    await migrate(pool);
    const { key, bypasses } = await pool.transaction('BEGIN', new AbortController().signal, async (tx) => ({
      key: await cursorKey(tx),
      bypasses: await bypassesRowSecurity(tx),
    }));
    if (bypasses) {
      log.warn(
        {},
        'row-level security does not apply to the role of DATABASE_URL: use one without SUPERUSER and BYPASSRLS',
      );
    }
    const cursors = createCursors(key);
    const tokens = createLeaseTokens(key);
    const claimMemory = { turns: createTurns(), expected: new ExpectedOwners() };
    const announceReady = (owner: Owner, graphId: string): void => {
      claimMemory.expected.announce(owner, graphId);
      onReady(owner, graphId);
    };
    const calls: RunCalls = new CallBatches();
    const creations: RunCreations = new CallBatches();
    const announcer = createAnnouncer(database, announceReady, publishEvents);
    const listener = await listen(config, database, {
      publish,
      hasSubscribers,
      serverId: announcer.serverId,
      onReady: announceReady,
      publishEvents,
      onMissedChanges(reason) {
        log.warn({ reason }, 'changes may have been missed: subscriptions end');
        onMissedChanges();
      },
      times: listenerTimes,
    });
    const poll = pollEvents(database, { followedRuns, publishEvents });
    const timer = setInterval(() => {
      // A failure does not matter: the next interval tries again.
      deleteOldChanges(database).catch(() => {});
    }, CLEANUP_INTERVAL).unref();

    function dependenciesFor(reader: SnapshotReader): StoreDependencies {
      const clock = now === undefined ? databaseClock : async () => now();
      return { database, reader, cursors, announcer, now: now ?? Date.now, clock, eventRetention };
    }

    function forRequest(): Stores {
      const dependencies = dependenciesFor(new SnapshotReader(database));
      return {
        assistants: createAssistants(dependencies),
        threads: createThreads(dependencies),
        runs: createRuns(dependencies, creations),
        queue: createRunQueue({
          tokens,
          decide: createDecide(dependencies, calls),
          claim: createClaim(dependencies, claimMemory),
        }),
      };
    }

    const sweeper = createSweeper(dependenciesFor(new SnapshotReader(database)), sweepInterval);

    return {
      forRequest,
      isReady: async () => listener.isListening() && (await acceptsWrites(database)),
      loadedCounts: null,
      async drainNotifications() {
        await announcer.flush();
        await listener.drainNotifications();
      },
      sweep: () => sweeper.sweep(),
      async close() {
        clearInterval(timer);
        clearInterval(poll);
        const swept = sweeper.close();
        announcer.close();
        await listener.close();
        await pool.close();
        await swept;
      },
    };
  } catch (error) {
    await pool.close();
    throw openError(error);
  }
}
