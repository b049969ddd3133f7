import { LRUCache } from 'lru-cache';

import type { Identity } from './identity.ts';
import { CLOCK_TOLERANCE } from './token-limits.ts';

interface TokenCacheOptions {
  /** The current time, in milliseconds since 1970. */
  readonly now: () => number;
  /** The maximum number of tokens. Default: 10,000. */
  readonly maxTokens?: number;
  /** The maximum length of all tokens together, in UTF-16 code units. Default: 8,000,000. */
  readonly maxCharacters?: number;
}

/** A cache of verified tokens, so that each is verified once. The least recently used ones are evicted first. */
export interface TokenCache {
  /** The identity of a cached token that has not expired, clock tolerance included; else undefined. */
  get(token: string): Identity | undefined;
  add(token: string, identity: Identity): void;
  clear(): void;
}

/** Creates an empty cache. */
export function createTokenCache({
  now,
  maxTokens = 10_000,
  maxCharacters = 8_000_000,
}: TokenCacheOptions): TokenCache {
  const tokens = new LRUCache<string, Identity>({
    max: maxTokens,
    maxSize: maxCharacters,
    sizeCalculation: (_identity, token) => token.length,
  });

  return {
    get(token) {
      const identity = tokens.get(token);
      if (identity === undefined || now() < identity.expiresAt + CLOCK_TOLERANCE * 1000) return identity;
      tokens.delete(token);
      return undefined;
    },
    add: (token, identity) => void tokens.set(token, identity),
    clear: () => tokens.clear(),
  };
}
