import type { Identity } from '../auth/identity.ts';
import { unauthenticated } from '../errors.ts';
import { MAX_BYTES_BEHIND } from '../limits.ts';
import { type AsyncQueue, createAsyncQueue } from './async-queue.ts';
import { tooFarBehind } from './change-feed.ts';
import { createSubscriptionQuota, type QuotaLimits } from './quota.ts';

/** An open subscription: the stream of its results. */
export interface Subscriber<T> {
  readonly results: AsyncQueue<T>;
  /** Sends a result. A subscriber that has not read too many bytes is ended. @param size of the result, in bytes */
  send(result: T, size: number): void;
}

/** The open subscriptions of all clients, over every transport. */
export interface Subscribers {
  /**
   * Opens a subscription, until its client ends it, its token ends, or it is read too slowly.
   * @param toResult returns the last result, for the error that ends the subscription
   * @param onClosed called once, when the subscription has ended
   * @throws GraphQLError LIMIT_EXCEEDED when too many subscriptions are open
   */
  open<T>(caller: Identity, toResult: (error: Error) => T, onClosed: () => void): Subscriber<T>;
  /** How many subscriptions are open. */
  count(): number;
  /** Interrupts all open subscriptions: changes may have been missed. */
  interrupt(): void;
  /** Interrupts all open subscriptions, and later ones as soon as they open. */
  close(): void;
}

/**
 * Cuts the connection without completing the stream, so that the client reconnects. Transports never send it as a
 * result.
 */
export class StreamInterrupted extends Error {}

/** Limits of open subscriptions. */
export interface SubscriberLimits extends QuotaLimits {
  /** How many bytes may wait for a subscriber. Default: `MAX_BYTES_BEHIND`. */
  readonly bytesBehind?: number;
}

/** Creates the registry of open subscriptions. */
export function createSubscribers({
  bytesBehind = MAX_BYTES_BEHIND,
  ...quotaLimits
}: SubscriberLimits = {}): Subscribers {
  const quota = createSubscriptionQuota(quotaLimits);
  const open = new Set<(error: StreamInterrupted) => void>();
  let isClosed = false;

  function interrupt(): void {
    for (const fail of open) fail(new StreamInterrupted());
  }

  return {
    open<T>(caller: Identity, toResult: (error: Error) => T, onClosed: () => void): Subscriber<T> {
      quota.acquire(caller.owner);
      const results = createAsyncQueue<T>(() => {
        clearTimeout(tokenTimer);
        open.delete(results.fail);
        quota.release(caller.owner);
        onClosed();
      });
      const tokenTimer = setTimeout(() => results.end(toResult(tokenEnded())), caller.expiresAt - Date.now());
      open.add(results.fail);
      if (isClosed) results.fail(new StreamInterrupted());
      return {
        results,
        send(result, size) {
          if (results.bytes > bytesBehind) results.endWith(toResult(tooFarBehind()));
          else results.push(result, size + BYTES_PER_RESULT);
        },
      };
    },
    count: quota.count,
    interrupt,
    close() {
      isClosed = true;
      interrupt();
    },
  };
}

/** Memory of a waiting result besides its text, in bytes. */
const BYTES_PER_RESULT = 100;

function tokenEnded(): Error {
  return unauthenticated('The token of this subscription has ended: subscribe again with a new one.');
}
