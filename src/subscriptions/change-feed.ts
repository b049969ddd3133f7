import { setMaxListeners } from 'node:events';
import { createPubSub, type PubSubEvent, type PubSubEventTarget } from 'graphql-yoga';
import { apiError, unauthenticated } from '../errors.ts';
import type { Identity } from '../auth/identity.ts';
import { createEventQueue, type EventQueue } from './async-queue.ts';
import { MAX_EVENTS_BEHIND } from '../limits.ts';
import type { Change, ChangeOf } from '../store/change.ts';
import type { Owner } from '../store/owner.ts';
import { createPlaces, type PlaceLimits } from './quota.ts';

/** The topics, each with the owner in its key: nobody can listen to another owner's. */
type Topics = { [Topic in Change['resource']]: [owner: string, changes: readonly Change[]] };

const TOPICS = ['assistant', 'thread', 'run'] as const satisfies readonly (keyof Topics)[];

/** The changes of all owners, on their way from the stores to the subscriptions. */
export interface Changes {
  /** Tells the owner's subscribers of all the changes of one mutation, once they are stored. */
  publish(owner: Owner, changes: readonly Change[]): void;
  /**
   * The caller's changes of one kind of resource from now on, until the reader returns, the token ends, or the
   * reader is too far behind.
   * @param see what the reader sees of a change, or null for one that it does not want
   * @throws GraphQLError LIMIT_EXCEEDED when too many subscriptions are open
   */
  subscribe<Topic extends Change['resource'], T>(
    topic: Topic,
    caller: Identity,
    see: (change: ChangeOf<Topic>) => T | null,
  ): EventQueue<T>;
  /** Whether anybody is subscribed to changes of an owner. */
  wanted(owner: Owner): boolean;
  /** How many subscriptions are open. */
  count(): number;
  /** Ends all open subscriptions with an error as their last word: they may have missed something. */
  interrupt(error: Error): void;
  /** Ends all subscriptions, and later ones at once, with an error as their last word. */
  close(error: Error): void;
}

/** What the subscriptions may take. */
export interface ChangesLimits extends PlaceLimits {
  /** So many events behind, a reader is cut off by the next mutation that it would see something of. */
  readonly eventsBehind?: number;
}

/**
 * Changes within this process, by yoga's pub/sub. Its own `subscribe` is passed over for a queue: that one starts to
 * listen only when it is first read, and throws in the publisher's face when a reader is 1,024 events behind.
 */
export function createChanges({ eventsBehind = MAX_EVENTS_BEHIND, ...places }: ChangesLimits = {}): Changes {
  const target: PubSubEventTarget<Topics> = new EventTarget();
  setMaxListeners(0, target);
  const pubSub = createPubSub<Topics>({ eventTarget: target });
  const subscribers = createPlaces(places);
  const open = new Set<(error: Error) => void>();
  let closed: Error | undefined;

  function interrupt(error: Error): void {
    for (const end of open) end(error);
  }

  return {
    publish(owner, changes) {
      for (const topic of TOPICS) {
        const ofTopic = changes.filter(({ resource }) => resource === topic);
        if (ofTopic.length > 0) pubSub.publish(topic, owner, ofTopic);
      }
    },
    subscribe<Topic extends Change['resource'], T>(
      topic: Topic,
      caller: Identity,
      see: (change: ChangeOf<Topic>) => T | null,
    ) {
      const leavePlace = subscribers.take(caller.owner);
      const key = `${topic}:${caller.owner}`;
      const queue = createEventQueue<T>(() => {
        target.removeEventListener(key, listener);
        clearTimeout(tokenTimer);
        open.delete(queue.end);
        leavePlace();
      });
      const tokenTimer = setTimeout(() => queue.end(tokenEnded()), caller.expiresAt - Date.now());
      // The changes of one mutation arrive whole, however many they are: only the next one finds the reader behind.
      function listener({ detail: changes }: PubSubEvent<Topics, keyof Topics>): void {
        const seen = changes
          .filter(isOf(topic))
          .map(see)
          .filter((event) => event !== null);
        if (seen.length > 0 && queue.waiting >= eventsBehind) queue.cutOff(tooFarBehind(eventsBehind));
        else for (const event of seen) queue.push(event);
      }
      target.addEventListener(key, listener);
      open.add(queue.end);
      if (closed !== undefined) queue.end(closed);
      return queue;
    },
    wanted: (owner) => subscribers.of(owner) > 0,
    count: () => open.size,
    interrupt,
    close(error) {
      closed = error;
      interrupt(error);
    },
  };
}

function isOf<Topic extends Change['resource']>(topic: Topic): (change: Change) => change is ChangeOf<Topic> {
  return (change): change is ChangeOf<Topic> => change.resource === topic;
}

function tokenEnded(): Error {
  return unauthenticated('The token of this subscription has ended: subscribe again with a new one.');
}

function tooFarBehind(events: number): Error {
  return apiError(
    'LIMIT_EXCEEDED',
    `This subscription was read too slowly, and fell ${events} events behind: subscribe again, and read again what you show.`,
  );
}
