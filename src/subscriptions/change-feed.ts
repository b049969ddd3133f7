import { apiError } from '../errors.ts';
import { MAX_EVENTS_BEHIND, MAX_PAYLOAD_BYTES_BEHIND } from '../limits.ts';
import { type Change, type ChangeOf, payloadRunId, type ShownPayloads } from '../store/change.ts';
import type { AppendedEvents, FollowedRun, RunPayloads } from '../store/execution.ts';
import type { Owner } from '../store/owner.ts';
import { type AsyncQueue, createAsyncQueue } from './async-queue.ts';
import { createRunWatchers, type RunWatchers } from './run-watchers.ts';

/**
 * Returns the event of a change, or null to skip it.
 * @param payloads those that the record shows, as they were right after the change; null where it shows none, or where they
 *   have to be read from the store
 */
export type MapEvent<Topic extends Change['resource'], T> = (
  change: ChangeOf<Topic>,
  payloads: RunPayloads | null,
) => T | null;

/** The stored changes of all owners, on their way from the stores to subscriptions. */
export interface ChangeFeed {
  /** Sends all changes of one mutation to the owner's subscribers, once they are stored. */
  publish(owner: Owner, changes: readonly Change[], payloads?: ShownPayloads): void;
  /**
   * Subscribes to an owner's changes of one kind of resource from now on.
   * @param mapEvent returns the event of a change, or null to skip it
   */
  subscribe<Topic extends Change['resource'], T>(
    topic: Topic,
    owner: Owner,
    mapEvent: MapEvent<Topic, T>,
  ): AsyncQueue<T>;
  /** Sends appended events to the watchers of their run. */
  publishEvents(owner: Owner, appended: AppendedEvents): void;
  /** Watches a run: see {@link RunWatchers.watch}. */
  readonly watchRun: RunWatchers['watch'];
  /** The runs whose events are followed. */
  followedRuns(): readonly FollowedRun[];
  /** Whether there are subscribers of an owner's changes. */
  hasSubscribers(owner: Owner): boolean;
}

/** Options of a change feed. */
export interface ChangeFeedOptions {
  /** How many events may wait for a subscriber: beyond, its next mutation ends it. Default: `MAX_EVENTS_BEHIND`. */
  readonly eventsBehind?: number;
  /** How many bytes of payloads these events may hold, likewise. Default: `MAX_PAYLOAD_BYTES_BEHIND`. */
  readonly bytesBehind?: number;
}

type Listener = (changes: readonly Change[], payloads: ShownPayloads | undefined) => void;

/** Creates a feed of the changes in this process. */
export function createChangeFeed({
  eventsBehind = MAX_EVENTS_BEHIND,
  bytesBehind = MAX_PAYLOAD_BYTES_BEHIND,
}: ChangeFeedOptions = {}): ChangeFeed {
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
    publish(owner, changes, payloads) {
      for (const listener of listeners.get(owner) ?? []) listener(changes, payloads);
      watchers.publish(owner, changes);
    },
    publishEvents: watchers.publishEvents,
    watchRun: watchers.watch,
    followedRuns: watchers.followedRuns,
    subscribe<Topic extends Change['resource'], T>(topic: Topic, owner: Owner, mapEvent: MapEvent<Topic, T>) {
      const queue = createAsyncQueue<T>(() => remove(owner, listener));
      // The changes of one mutation are taken whole, however many they are.
      function listener(changes: readonly Change[], payloads: ShownPayloads | undefined): void {
        const isBehind = queue.length >= eventsBehind || queue.bytes > bytesBehind;
        for (const change of changes) {
          if (!isOf(topic, change)) continue;
          const shown = payloads?.get(payloadRunId(change) ?? '') ?? null;
          const event = mapEvent(change, shown);
          if (event === null) continue;
          if (isBehind) return queue.fail(tooFarBehind());
          queue.push(event, sizeOf(shown));
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

function sizeOf(payloads: RunPayloads | null): number {
  if (payloads === null) return 0;
  const { input, output, checkpoint } = payloads;
  return (input?.length ?? 0) + (output?.length ?? 0) + (checkpoint?.length ?? 0);
}

function isOf<Topic extends Change['resource']>(topic: Topic, change: Change): change is ChangeOf<Topic> {
  return change.resource === topic;
}
