import { createRemoteJWKSet, errors } from 'jose';
import type { CryptoKey, FlattenedJWSInput, JWSHeaderParameters } from 'jose';

import { KeySetUnavailableError } from './auth-errors.ts';
import { tokenBucket } from '../lib/token-bucket.ts';

const MAX_AGE = 10 * 60_000;
const FETCH_TIMEOUT = 5_000;
const FETCH_BURST = 5;
const FETCH_INTERVAL = 30_000;

export interface KeySetOptions {
  /** Where the provider publishes its keys: https://www.rfc-editor.org/rfc/rfc7517#section-5 */
  readonly url: URL;
  /** The time in ms since the epoch. */
  readonly now: () => number;
  /** Called when the provider has published other keys than before. */
  readonly onChange: () => void;
  /** After how many ms without a whole answer a fetch has failed; 5 s by default. */
  readonly timeout?: number | undefined;
}

/** The keys that may sign tokens. */
export interface KeySet {
  /**
   * Finds the key that a token is signed with, by the token's header.
   *
   * @throws KeySetUnavailableError when no keys were ever fetched, or the key is unknown and the last fetch failed
   * @throws errors.JWKSNoMatchingKey when the key is unknown to the provider
   * @throws errors.JWKSMultipleMatchingKeys when the header leaves open which key it is; it iterates over them
   */
  find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey>;
  /** Whether the keys are old enough to be fetched anew, or the last fetch failed. */
  isDue(): boolean;
  /** Fetches the keys anew when that is due. */
  refreshWhenDue(): Promise<void>;
}

/**
 * The identity provider's keys. They are fetched anew after 10 minutes and, so that the provider can rotate
 * its keys, as soon as a token names an unknown one. When a fetch fails, the keys of the last good one hold for
 * as long as the provider is down. All fetches together are limited to 5 in a row and one more each 30 s:
 * tokens with made-up key ids cannot be used to hammer the provider.
 */
export function remoteKeySet({ url, now, onChange, timeout = FETCH_TIMEOUT }: KeySetOptions): KeySet {
  // jose never fetches by itself here: its own limits count successes only, and it drops keys that are old.
  const keys = createRemoteJWKSet(url, {
    cacheMaxAge: Infinity,
    cooldownDuration: Infinity,
    timeoutDuration: timeout,
  });
  const mayFetch = tokenBucket({ burst: FETCH_BURST, interval: FETCH_INTERVAL, now });
  let published: string | null = null;
  let fetchedAt = -Infinity;
  let failure: ErrorOptions | undefined;

  /** Fetches once for all who ask meanwhile; without effect when the limit is reached. Never rejects. */
  async function refresh(): Promise<void> {
    if (!keys.reloading && !mayFetch()) return;
    try {
      await keys.reload();
    } catch (cause) {
      failure = { cause };
      return;
    }
    failure = undefined;
    fetchedAt = now();
    const before = published;
    published = JSON.stringify(keys.jwks());
    if (before !== null && before !== published) onChange();
  }

  function isDue(): boolean {
    return failure !== undefined || now() - fetchedAt >= MAX_AGE;
  }

  async function refreshWhenDue(): Promise<void> {
    if (!isDue()) return;
    const wasDown = failure !== undefined;
    const refreshed = refresh();
    // While the provider is known to be down, tokens of known keys do not wait for it.
    if (published !== null && wasDown) return;
    await refreshed;
    if (published === null) throw new KeySetUnavailableError(failure);
  }

  async function find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
    await refreshWhenDue();
    try {
      return await keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
    }
    await refresh();
    try {
      return await keys(header, token);
    } catch (error) {
      const mayBeNew = error instanceof errors.JWKSNoMatchingKey && failure !== undefined;
      throw mayBeNew ? new KeySetUnavailableError(failure) : error;
    }
  }

  return { find, isDue, refreshWhenDue };
}
