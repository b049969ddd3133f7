import { LRUCache } from 'lru-cache';
import { apiError } from '../errors.ts';
import { tokenBucket } from '../lib/token-bucket.ts';
import { MAX_COUNTED_OWNERS } from '../limits.ts';
import type { Owner } from '../store/owner.ts';

/** Options of a rate limiter. */
export interface RateLimiterOptions {
  /** Requests of one owner a second. The burst is one second's worth, and 1 at least. */
  readonly rate: number;
  /** The time in whole milliseconds. Default: `Date.now`. */
  readonly now?: () => number;
  /** How many owners are counted: beyond, the least recent ones are forgotten. Default: `MAX_COUNTED_OWNERS`. */
  readonly maxOwners?: number;
}

/** Limits the requests of each owner. */
export interface RateLimiter {
  /** Counts a request. @throws GraphQLError LIMIT_EXCEEDED where it is one too many */
  acquire(owner: Owner): void;
}

/** Creates a rate limiter with one token bucket for each owner. */
export function createRateLimiter({
  rate,
  now = Date.now,
  maxOwners = MAX_COUNTED_OWNERS,
}: RateLimiterOptions): RateLimiter {
  const buckets = new LRUCache<Owner, () => boolean>({ max: maxOwners });

  function bucketOf(owner: Owner): () => boolean {
    const known = buckets.get(owner);
    if (known !== undefined) return known;
    const bucket = tokenBucket({ burst: Math.max(1, rate), refill: rate, interval: 1_000, now });
    buckets.set(owner, bucket);
    return bucket;
  }

  return {
    acquire(owner) {
      if (bucketOf(owner)()) return;
      throw apiError(
        'LIMIT_EXCEEDED',
        `You send more than ${rate} requests a second: wait before the next.`,
        { status: 429, headers: { 'Retry-After': String(Math.ceil(1 / rate)) } },
      );
    },
  };
}
