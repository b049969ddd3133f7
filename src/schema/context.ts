import type { Identity } from '../auth/identity.ts';
import type { Stores } from '../store/stores.ts';
import type { EventRateLimiter } from '../subscriptions/event-rate-limiter.ts';
import type { WaitingRequest } from '../subscriptions/waiting-request.ts';

/** What every resolver gets as its third argument. */
export interface Context extends WaitingRequest {
  /** The verified token; null without one. Resolvers read it by `ownerOf`. */
  readonly identity: Identity | null;
  readonly eventRateLimiter: EventRateLimiter;
  /** The `traceparent` that continues the trace of the request; null where it is not traced. */
  readonly traceparent: string | null;
  /** Why no resolver may call a store any more: the request took too long, or its client has gone. */
  stopped: Error | null;
}

/** The parts of a context that all requests share. */
export type SharedContext = Pick<Context, 'changes' | 'waits' | 'claimWaiters' | 'eventRateLimiter'>;

/** Creates the context of a request that has just begun. */
export function createContext(
  { changes, waits, claimWaiters, eventRateLimiter }: SharedContext,
  identity: Identity | null,
  stores: Stores,
  traceparent: string | null = null,
): Context {
  return {
    identity,
    stores,
    changes,
    waits,
    claimWaiters,
    eventRateLimiter,
    traceparent,
    stopped: null,
    openWaits: null,
    waitsUntil: null,
    claimed: null,
  };
}
