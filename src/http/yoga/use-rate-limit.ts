import type { Plugin } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';
import { apiError } from '../../errors.ts';
import { MAX_COUNTED_OWNERS } from '../../limits.ts';
import { notesOf } from '../../observability/request-record.ts';
import type { Owner } from '../../store/owner.ts';
import { tokenBucket } from '../../lib/token-bucket.ts';
import type { HandedOver } from './begun.ts';

/** What is counted, and when. */
export interface RateLimitOptions {
  /** Requests a second of one owner, of which one second's worth, or one, may come at once. */
  readonly rate: number;
  /** The time in whole milliseconds. */
  readonly now?: () => number;
  /** Of how many owners, those who asked last. */
  readonly maxOwners?: number;
}

/** Whether one more request of an owner is accepted, which is counted. */
export type Admit = (owner: Owner) => boolean;

/** Counts the requests of owners. */
export function createAdmission(options: RateLimitOptions): Admit {
  const { rate, now = Date.now, maxOwners = MAX_COUNTED_OWNERS } = options;
  const buckets = new LRUCache<Owner, () => boolean>({ max: maxOwners });

  function bucketOf(owner: Owner): () => boolean {
    const known = buckets.get(owner);
    if (known !== undefined) return known;
    const bucket = tokenBucket({ burst: Math.max(1, rate), refill: rate, interval: 1_000, now });
    buckets.set(owner, bucket);
    return bucket;
  }

  return (owner) => bucketOf(owner)();
}

/**
 * Refuses the requests of an owner who sends too many, before their bodies are read. Comes after authentication.
 * @param rate requests a second, as the refusal names it
 */
export function useRateLimit(admit: Admit, rate: number): Plugin<object, HandedOver> {
  return {
    onRequestParse({ request, serverContext: { begun } }) {
      const { owner } = notesOf(request);
      if (owner === null || (begun?.admitted ?? admit(owner))) return;
      throw apiError(
        'LIMIT_EXCEEDED',
        `You send more than ${rate} requests a second: wait before the next.`,
        {
          status: 429,
          headers: { 'Retry-After': String(Math.ceil(1 / rate)) },
        },
      );
    },
  };
}
