interface TokenBucketOptions {
  /** How often it says yes in a row. */
  readonly burst: number;
  /** After how many ms one more yes has come in. */
  readonly interval: number;
  /** The time in whole ms. */
  readonly now: () => number;
}

/** A limit on how often something is done: answers whether it may be done now, and counts a yes as done. */
export function tokenBucket({ burst, interval, now }: TokenBucketOptions): () => boolean {
  // Counted in ms, not in tokens: sums of fractions would come out just short of a whole one.
  let credit = burst * interval;
  let countedAt = now();

  return () => {
    const time = now();
    credit = Math.min(burst * interval, credit + Math.max(0, time - countedAt));
    countedAt = time;
    if (credit < interval) return false;
    credit -= interval;
    return true;
  };
}
