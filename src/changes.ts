import { setMaxListeners } from 'node:events';
import { createPubSub, type PubSubEvent, type PubSubEventTarget } from 'graphql-yoga';
import { unauthenticated } from './api-error.ts';
import type { Identity } from './auth/identity.ts';
import { createEventQueue, type EventQueue } from './event-queue.ts';
import type { Change } from './store/change.ts';
import type { Owner } from './store/owner.ts';

/** The topics, each with the owner in its key: nobody can listen to another owner's. */
type Topics = { [Topic in Change['resource']]: [owner: string, change: Change] };

/** The changes of all owners, on their way from the stores to the subscriptions. */
export interface Changes {
  /** Tells the owner's subscribers of a change that is stored. */
  publish(owner: Owner, change: Change): void;
  /**
   * The caller's changes of one kind of resource from now on, until the reader returns or the token ends.
   * @param see what the reader sees of a change, or null for one that it does not want
   */
  subscribe<T>(topic: Change['resource'], caller: Identity, see: (change: Change) => T | null): EventQueue<T>;
  /** Ends all subscriptions, and later ones at once, with an error as their last word. */
  close(error: Error): void;
}

/**
 * Changes within this process, by yoga's pub/sub. Its own `subscribe` is passed over for a queue: that one starts to
 * listen only when it is first read, and throws in the publisher's face when a reader is 1,024 events behind.
 */
export function createChanges(): Changes {
  const target: PubSubEventTarget<Topics> = new EventTarget();
  setMaxListeners(0, target);
  const pubSub = createPubSub<Topics>({ eventTarget: target });
  const open = new Set<(error: Error) => void>();
  let closed: Error | undefined;

  return {
    publish(owner, change) {
      pubSub.publish(change.resource, owner, change);
    },
    subscribe<T>(topic: Change['resource'], caller: Identity, see: (change: Change) => T | null) {
      const key = `${topic}:${caller.owner}`;
      const queue = createEventQueue<T>(() => {
        target.removeEventListener(key, listener);
        clearTimeout(tokenTimer);
        open.delete(queue.end);
      });
      const tokenTimer = setTimeout(() => queue.end(tokenEnded()), caller.expiresAt - Date.now());
      function listener({ detail }: PubSubEvent<Topics, keyof Topics>): void {
        const seen = see(detail);
        if (seen !== null) queue.push(seen);
      }
      target.addEventListener(key, listener);
      open.add(queue.end);
      if (closed !== undefined) queue.end(closed);
      return queue;
    },
    close(error) {
      closed = error;
      for (const end of open) end(error);
    },
  };
}

function tokenEnded(): Error {
  return unauthenticated('The token of this subscription has ended: subscribe again with a new one.');
}
