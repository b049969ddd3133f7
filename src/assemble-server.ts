import { setImmediate as turn, setTimeout as passed } from 'node:timers/promises';
import { type Api, type ApiParts, createApi } from './http/api.ts';
import { assertCodeGeneration } from './lib/code-generation.ts';
import type { Log } from './lib/log.ts';
import type { MaybePromise } from './lib/maybe-promise.ts';
import { WAITS_SHUTDOWN_TIMEOUT } from './limits.ts';
import type { RequestObserver } from './observability/completed-request.ts';
import type { OpenCounts } from './observability/metrics.ts';
import { createErrorLog } from './observability/request-log.ts';
import type { StartTrace } from './observability/request-spans.ts';
import type { Change } from './store/change.ts';
import type { StoreObserver } from './store/open-stores.ts';
import type { HeldCounts, OpenedStores } from './store/stores.ts';
import { createChangeFeed } from './subscriptions/change-feed.ts';
import { createClaimWaiters } from './subscriptions/claim-waiters.ts';
import { createSubscribers } from './subscriptions/subscribers.ts';
import { createWaits } from './subscriptions/waits.ts';

/** The interval in which waiting claims are retried, in milliseconds: notifications of other servers can be lost. */
const CLAIM_RETRY_INTERVAL = 1_000;

/** Opens the stores of a server, which report to the observer what they store. */
export type OpenStores = (observer: StoreObserver) => MaybePromise<OpenedStores>;

/** The observers of the requests and the stores of a server. */
export interface ServerObservers {
  readonly observers: readonly RequestObserver[];
  /** Null where requests are not traced. */
  readonly startTrace: StartTrace | null;
  /** Called with the changes that this server has stored. */
  count(changes: readonly Change[]): void;
  /** Called when a lease ended before its run did. */
  countLostLease(): void;
}

/** The parts of the API that the caller provides. */
type Given = Pick<
  ApiParts,
  | 'authenticate'
  | 'corsOrigins'
  | 'introspection'
  | 'page'
  | 'plugins'
  | 'rateLimit'
  | 'requestTime'
  | 'trustedDocuments'
>;

/** What a server is assembled from. */
export interface ServerParts<Observers extends ServerObservers> extends Given {
  readonly openStores: OpenStores;
  /** Creates the observers. @param open counts the open subscriptions and waiting calls */
  readonly observe: (open: OpenCounts) => MaybePromise<Observers>;
  /** How long the events of a run are kept after its end, in milliseconds. */
  readonly eventRetention: number;
  readonly log: Log;
}

/** An assembled server, which does not listen. */
export interface AssembledServer<Observers> {
  readonly api: Api;
  readonly observers: Observers;
  /** The records that were loaded into memory; null where they are in a database. */
  readonly loadedCounts: HeldCounts | null;
  /** Lets `/ready` answer 503 from now on, while all is still served. */
  setUnready(): void;
  /** Answers waiting calls, interrupts streams, lets requests finish, and closes the stores. */
  close(finishRequests: () => Promise<unknown>): Promise<void>;
}

/**
 * Opens the stores, and creates the API on them with its subscriptions and waiting calls.
 * @throws ConfigError, StoreError
 */
export async function assembleServer<Observers extends ServerObservers>(
  parts: ServerParts<Observers>,
): Promise<AssembledServer<Observers>> {
  assertCodeGeneration();
  const { log, eventRetention } = parts;
  const changes = createChangeFeed();
  const subscribers = createSubscribers();
  const waits = createWaits();
  const claimWaiters = createClaimWaiters();
  const observers = await parts.observe({
    openSubscriptions: () => subscribers.count(),
    openWaits: () => waits.count(),
  });
  const stores = await parts.openStores({
    publish: changes.publish,
    onStored: (stored) => observers.count(stored),
    onLeaseLost: () => observers.countLostLease(),
    publishEvents: changes.publishEvents,
    onReady: claimWaiters.notify,
    eventRetention,
    hasSubscribers: changes.hasSubscribers,
    followedRuns: changes.followedRuns,
    onMissedChanges: subscribers.interrupt,
    log,
  });
  // Other servers make runs where the records are in a database.
  const isShared = stores.loadedCounts === null;
  const retry = isShared ? setInterval(() => claimWaiters.wakeOneOfEach(), CLAIM_RETRY_INTERVAL) : undefined;
  retry?.unref();
  let isServing = true;
  const api = createApi({
    ...parts,
    observers: observers.observers,
    startTrace: observers.startTrace,
    openStores: () => stores.forRequest(),
    changes,
    waits,
    claimWaiters,
    subscribers,
    isReady: () => isServing && stores.isReady(),
    log: createErrorLog(log),
  });
  return {
    api,
    observers,
    loadedCounts: stores.loadedCounts,
    setUnready() {
      isServing = false;
    },
    async close(finishRequests) {
      isServing = false;
      // Waiting calls are answered before WebSockets are closed, since they may have arrived by one.
      await Promise.race([waits.close(), passed(WAITS_SHUTDOWN_TIMEOUT, undefined, { ref: false })]);
      await turn();
      subscribers.close();
      api.close();
      await finishRequests();
      clearInterval(retry);
      await stores.close();
    },
  };
}
