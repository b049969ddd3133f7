import { LRUCache } from 'lru-cache';
import { apiError } from '../errors.ts';
import { tokenBucket } from '../lib/token-bucket.ts';
import { MAX_COUNTED_RUNS, MAX_EVENT_BURST, MAX_EVENT_RATE } from '../limits.ts';
import { type Owner, ownedKey } from '../store/owner.ts';

/** Limits how fast events are appended to one run. */
export interface EventRateLimiter {
  /** Counts events before they are appended. @throws GraphQLError LIMIT_EXCEEDED where they are too many at once */
  acquire(owner: Owner, runId: string, events: number): void;
}

/** Creates a rate limiter with one token bucket for each run. */
export function createEventRateLimiter(): EventRateLimiter {
  const buckets = new LRUCache<string, (events: number) => boolean>({ max: MAX_COUNTED_RUNS });

  function bucketOf(key: string): (events: number) => boolean {
    const known = buckets.get(key);
    if (known !== undefined) return known;
    const bucket = tokenBucket({
      burst: MAX_EVENT_BURST,
      refill: MAX_EVENT_RATE,
      interval: 1_000,
      now: Date.now,
    });
    buckets.set(key, bucket);
    return bucket;
  }

  return {
    acquire(owner, runId, events) {
      // More than a call may have is for the store to refuse.
      const tokens = Math.min(events, MAX_EVENT_BURST);
      if (tokens === 0 || bucketOf(ownedKey(owner, runId))(tokens)) return;
      const seconds = tokens / MAX_EVENT_RATE;
      throw apiError(
        'LIMIT_EXCEEDED',
        `A run takes ${MAX_EVENT_RATE} events a second: send this call again after ${Math.ceil(seconds * 1_000)} ms.`,
        { status: 429, headers: { 'Retry-After': String(Math.ceil(seconds)) } },
      );
    },
  };
}
