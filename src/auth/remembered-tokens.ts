import { LRUCache } from 'lru-cache';

import type { Identity } from './identity.ts';
import { CLOCK_TOLERANCE } from './token-limits.ts';

interface RememberedTokensOptions {
  /** The time in ms since the epoch. */
  readonly now: () => number;
  /** At most so many tokens. */
  readonly maxTokens?: number;
  /** At most so many characters, all tokens together. */
  readonly maxCharacters?: number;
}

/** The tokens that were verified, so that each is verified once. The least recently used are forgotten first. */
export interface RememberedTokens {
  /** The identity of a remembered token that has not ended yet, clock tolerance included; else undefined. */
  get(token: string): Identity | undefined;
  add(token: string, identity: Identity): void;
  clear(): void;
}

/** Makes an empty memory for verified tokens, bounded by their number and by their length. */
export function rememberedTokens({
  now,
  maxTokens = 10_000,
  maxCharacters = 8_000_000,
}: RememberedTokensOptions): RememberedTokens {
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
