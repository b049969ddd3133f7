import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asOwner as owner } from '../../../src/store/owner.ts';

import { createTokenCache } from '../../../src/auth/token-cache.ts';
import { START, testClock } from './tokens.ts';

function identity(expiresAt = START) {
  return { owner: owner('alice'), worker: null, expiresAt };
}

describe('remembered tokens', () => {
  it('should be forgotten 10 s after they expired, and for good', () => {
    const clock = testClock();
    const tokens = createTokenCache(clock);
    tokens.add('a', identity(START));
    clock.advance(9_999);
    expect(tokens.get('a')).toEqual(identity(START));
    clock.advance(1);
    expect(tokens.get('a')).toBeUndefined();
    clock.advance(-1);
    expect(tokens.get('a')).toBeUndefined();
  });

  it('should be forgotten all at once', () => {
    const tokens = createTokenCache(testClock());
    tokens.add('a', identity());
    tokens.clear();
    expect(tokens.get('a')).toBeUndefined();
  });

  it('should keep those used last', () => {
    const tokens = createTokenCache({ ...testClock(), maxTokens: 2 });
    tokens.add('a', identity());
    tokens.add('b', identity());
    tokens.get('a');
    tokens.add('c', identity());
    expect(['a', 'b', 'c'].filter((token) => tokens.get(token))).toEqual(['a', 'c']);
  });

  it('should be bounded by their number and their length', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1, maxLength: 60 })), (added) => {
        const tokens = createTokenCache({ ...testClock(), maxTokens: 5, maxCharacters: 50 });
        for (const token of added) tokens.add(token, identity());
        const kept = added.filter((token) => tokens.get(token));
        expect(kept.length).toBeLessThanOrEqual(5);
        expect(kept.join('').length).toBeLessThanOrEqual(50);
      }),
    );
  });
});
