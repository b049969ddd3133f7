interface TokenBucketOptions {
  /** The capacity in tokens: how many calls may succeed at once. */
  readonly burst: number;
  /** How many tokens are added in each interval. Default: 1. */
  readonly refill?: number;
  /** In milliseconds. */
  readonly interval: number;
  /** The current time, in whole milliseconds. */
  readonly now: () => number;
}

/**
 * A rate limit by the token bucket algorithm. Each call takes a token, and returns false when there is none.
 * @see https://en.wikipedia.org/wiki/Token_bucket
 */
export function tokenBucket({ burst, refill = 1, interval, now }: TokenBucketOptions): () => boolean {
  // In milliseconds rather than tokens, so that no fractions are added up.
  let credit = burst * interval;
  let countedAt = now();

  return () => {
    const time = now();
    credit = Math.min(burst * interval, credit + Math.max(0, time - countedAt) * refill);
    countedAt = time;
    if (credit < interval) return false;
    credit -= interval;
    return true;
  };
}
