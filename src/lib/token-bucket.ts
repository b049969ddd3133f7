interface TokenBucketOptions {
  /** The capacity in tokens: how many can be taken at once. */
  readonly burst: number;
  /** How many tokens are added in each interval. Default: 1. */
  readonly refill?: number;
  /** In milliseconds. */
  readonly interval: number;
  /** The current time, in whole milliseconds. */
  readonly now: () => number;
}

/**
 * A rate limit by the token bucket algorithm. Each call takes some tokens, by default one, and returns false when there
 * are fewer: then it takes none.
 * @see https://en.wikipedia.org/wiki/Token_bucket
 */
export function tokenBucket({
  burst,
  refill = 1,
  interval,
  now,
}: TokenBucketOptions): (tokens?: number) => boolean {
  // In milliseconds rather than tokens, so that no fractions are added up.
  let credit = burst * interval;
  let countedAt = now();

  return (tokens = 1) => {
    const time = now();
    credit = Math.min(burst * interval, credit + Math.max(0, time - countedAt) * refill);
    countedAt = time;
    if (credit < tokens * interval) return false;
    credit -= tokens * interval;
    return true;
  };
}
