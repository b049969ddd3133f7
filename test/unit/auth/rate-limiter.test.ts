import { describe, expect, it } from 'vitest';
import { createRateLimiter, type RateLimiterOptions } from '../../../src/auth/rate-limiter.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { testClock } from './tokens.ts';

/** A rate limiter by a clock that stands still, and how many of some requests of an owner it lets in. */
function openLimiter(options: Omit<RateLimiterOptions, 'now'>) {
  const { now, advance } = testClock();
  const limiter = createRateLimiter({ ...options, now });
  function letIn(name: string, count: number): number {
    let passed = 0;
    for (let i = 0; i < count; i += 1) {
      try {
        limiter.acquire(owner(name));
        passed += 1;
      } catch {
        // One too many.
      }
    }
    return passed;
  }
  return { limiter, letIn, advance };
}

describe('a rate limiter', () => {
  it.each([
    [1, 1],
    [3, 3],
    [7, 7],
    [0.5, 1],
    [1_000, 1_000],
  ])('of %d a second should let in %d at once, and again as time passes', (rate, burst) => {
    const { letIn, advance } = openLimiter({ rate });
    expect(letIn('alice', burst + 2)).toBe(burst);
    advance(Math.ceil(1_000 / rate) - 1);
    expect(letIn('alice', 1)).toBe(0);
    advance(1);
    expect(letIn('alice', 2)).toBe(1);
    advance(3_600_000);
    expect(letIn('alice', burst + 2)).toBe(burst);
  });

  it.each([
    [2, '1'],
    [1, '1'],
    [0.4, '3'],
    [0.01, '100'],
  ])('of %d a second should say after how many seconds there is room again', (rate, seconds) => {
    const { limiter, letIn } = openLimiter({ rate });
    letIn('alice', 2);
    expect(() => limiter.acquire(owner('alice'))).toThrow(
      expect.objectContaining({
        extensions: { code: 'LIMIT_EXCEEDED', http: { status: 429, headers: { 'Retry-After': seconds } } },
      }),
    );
  });

  it('should count as many owners as there is memory for, those who asked last', () => {
    const { letIn } = openLimiter({ rate: 1, maxOwners: 2 });
    for (const name of ['alice', 'bob']) expect(letIn(name, 2)).toBe(1);
    expect(letIn('alice', 1)).toBe(0);
    expect(letIn('carol', 1)).toBe(1);
    expect(letIn('alice', 1)).toBe(0);
    expect(letIn('bob', 1)).toBe(1);
  });
});
