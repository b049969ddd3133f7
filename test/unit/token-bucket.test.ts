import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { tokenBucket } from '../../src/lib/token-bucket.ts';
import { testClock } from './auth/tokens.ts';

describe('a token bucket', () => {
  it('should allow a burst, then one more each interval', () => {
    const { now, advance } = testClock();
    const may = tokenBucket({ burst: 2, interval: 1000, now });
    expect([may(), may(), may()]).toEqual([true, true, false]);
    for (let elapsed = 1; elapsed < 1000; elapsed += 1) {
      advance(1);
      expect(may()).toBe(false);
    }
    advance(1);
    expect([may(), may()]).toEqual([true, false]);
  });

  it('should take several at once, or none', () => {
    const { now, advance } = testClock();
    const may = tokenBucket({ burst: 5, refill: 2, interval: 1000, now });
    expect([may(3), may(3), may(2)]).toEqual([true, false, true]);
    advance(999);
    expect(may(2)).toBe(false);
    advance(1);
    expect([may(2), may()]).toEqual([true, false]);
  });

  it('should never allow more than the burst and what came in since, even when the clock goes back', () => {
    const steps = fc.array(fc.integer({ min: -2000, max: 5000 }), { maxLength: 100 });
    fc.assert(
      fc.property(steps, (advances) => {
        const { now, advance } = testClock();
        const may = tokenBucket({ burst: 3, interval: 1000, now });
        let allowed = 0;
        let elapsed = 0;
        for (const ms of advances) {
          advance(ms);
          elapsed += Math.max(0, ms);
          if (may()) allowed += 1;
        }
        expect(allowed).toBeLessThanOrEqual(3 + Math.floor(elapsed / 1000));
      }),
    );
  });
});
