import { apiError } from '../errors.ts';
import { MAX_EVENTS_BEHIND } from '../limits.ts';
import type { Change, ChangeOf } from '../store/change.ts';
import type { AppendedEvents } from '../store/execution.ts';
import type { Owner } from '../store/owner.ts';
import { type AsyncQueue, createAsyncQueue } from './async-queue.ts';
import { createRunWatchers, type RunWatcher } from './run-watchers.ts';

/** The stored changes of all owners, on their way from the stores to subscriptions. */
export interface ChangeFeed {
  /** Sends all changes of one mutation to the owner's subscribers, once they are stored. */
  publish(owner: Owner, changes: readonly Change[]): void;
  /**
   * Subscribes to an owner's changes of one kind of resource from now on.
   * @param mapEvent returns the event of a change, or null to skip it
   */
  subscribe<Topic extends Change['resource'], T>(
    topic: Topic,
    owner: Owner,
    mapEvent: (change: ChangeOf<Topic>) => T | null,
  ): AsyncQueue<T>;
  /** Sends appended events to the watchers of their run. */
  publishEvents(owner: Owner, appended: AppendedEvents): void;
  /** Watches a run. Returns the function that ends it. */
  watchRun(owner: Owner, runId: string, watcher: RunWatcher): () => void;
  /** Whether there are subscribers of an owner's changes. */
  hasSubscribers(owner: Owner): boolean;
}

/** Options of a change feed. */
export interface ChangeFeedOptions {
  /** How many events may wait for a subscriber: beyond, its next mutation ends it. Default: `MAX_EVENTS_BEHIND`. */
  readonly eventsBehind?: number;
}

type Listener = (changes: readonly Change[]) => void;

/** Creates a feed of the changes in this process. */
export function createChangeFeed({ eventsBehind = MAX_EVENTS_BEHIND }: ChangeFeedOptions = {}): ChangeFeed {
  const listeners = new Map<Owner, Set<Listener>>();
  const watchers = createRunWatchers();

  function add(owner: Owner, listener: Listener): void {
    const own = listeners.get(owner);
    if (own === undefined) listeners.set(owner, new Set([listener]));
    else own.add(listener);
  }

  function remove(owner: Owner, listener: Listener): void {
    const own = listeners.get(owner);
    own?.delete(listener);
    if (own?.size === 0) listeners.delete(owner);
  }

  return {
    publish(owner, changes) {
      for (const listener of listeners.get(owner) ?? []) listener(changes);
      watchers.publish(owner, changes);
    },
    publishEvents: watchers.publishEvents,
    watchRun: watchers.watch,
    subscribe<Topic extends Change['resource'], T>(
      topic: Topic,
      owner: Owner,
      mapEvent: (change: ChangeOf<Topic>) => T | null,
    ) {
      const queue = createAsyncQueue<T>(() => remove(owner, listener));
      // The changes of one mutation are taken whole, however many they are.
      function listener(changes: readonly Change[]): void {
        const isBehind = queue.length >= eventsBehind;
        for (const change of changes) {
          const event = isOf(topic, change) ? mapEvent(change) : null;
          if (event === null) continue;
          if (isBehind) return queue.fail(tooFarBehind());
          queue.push(event);
        }
      }
      add(owner, listener);
      return queue;
    },
    hasSubscribers: (owner) => listeners.has(owner) || watchers.has(owner),
  };
}

/** The last error of a subscription whose client reads too slowly. */
export function tooFarBehind(): Error {
  return apiError(
    'LIMIT_EXCEEDED',
    'This subscription was read too slowly: subscribe again, and read again what you show.',
  );
}

function isOf<Topic extends Change['resource']>(topic: Topic, change: Change): change is ChangeOf<Topic> {
  return change.resource === topic;
}
