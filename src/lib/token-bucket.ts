interface TokenBucketOptions {
  /** How often it says yes in a row. */
  readonly burst: number;
  /** How many more yeses come in with each interval. */
  readonly refill?: number;
  /** In ms. */
  readonly interval: number;
  /** The time in whole ms. */
  readonly now: () => number;
}

/** A limit on how often something is done: answers whether it may be done now, and counts a yes as done. */
export function tokenBucket({ burst, refill = 1, interval, now }: TokenBucketOptions): () => boolean {
  // Counted in ms, not in tokens: sums of fractions would come out just short of a whole one.
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
