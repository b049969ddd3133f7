import type { Identity } from '../auth/identity.ts';
import { unauthenticated } from '../errors.ts';
import { Deadlines, type Expiring } from '../lib/deadlines.ts';
import { MAX_BYTES_BEHIND } from '../limits.ts';
import { type AsyncQueue, createAsyncQueue } from './async-queue.ts';
import { tooFarBehind } from './change-feed.ts';
import { createSubscriptionQuota, type Quota, type QuotaLimits } from './quota.ts';

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
  const registry: Registry = { quota, open: new Set(), tokenEnds: new Deadlines(), bytesBehind };
  let isClosed = false;

  function interrupt(): void {
    for (const subscriber of registry.open) subscriber.results.fail(new StreamInterrupted());
  }

  return {
    open(caller, toResult, onClosed) {
      quota.acquire(caller.owner);
      const subscriber = new OpenSubscriber(registry, caller, toResult, onClosed);
      if (isClosed) subscriber.results.fail(new StreamInterrupted());
      return subscriber;
    },
    count: quota.count,
    interrupt,
    close() {
      isClosed = true;
      interrupt();
    },
  };
}

/** What all open subscriptions share. */
interface Registry {
  readonly quota: Quota;
  readonly open: Set<{ readonly results: { fail(error: Error): void } }>;
  readonly tokenEnds: Deadlines;
  readonly bytesBehind: number;
}

class OpenSubscriber<T> implements Subscriber<T>, Expiring {
  readonly #registry: Registry;
  readonly #toResult: (error: Error) => T;
  readonly results: AsyncQueue<T>;
  /** When its token ends. */
  readonly expiresAt: number;

  constructor(
    registry: Registry,
    { owner, expiresAt }: Identity,
    toResult: (error: Error) => T,
    onClosed: () => void,
  ) {
    this.#registry = registry;
    this.#toResult = toResult;
    this.expiresAt = performance.now() + expiresAt - Date.now();
    this.results = createAsyncQueue(() => {
      registry.tokenEnds.delete(this);
      registry.open.delete(this);
      registry.quota.release(owner);
      onClosed();
    });
    registry.tokenEnds.add(this);
    registry.open.add(this);
  }

  send(result: T, size: number): void {
    const { results } = this;
    if (results.bytes > this.#registry.bytesBehind) results.endWith(this.#toResult(tooFarBehind()));
    else results.push(result, size + BYTES_PER_RESULT);
  }

  expire(): void {
    this.results.end(this.#toResult(tokenEnded()));
  }
}

/** Memory of a waiting result besides its text, in bytes. */
const BYTES_PER_RESULT = 100;

function tokenEnded(): Error {
  return unauthenticated('The token of this subscription has ended: subscribe again with a new one.');
}
