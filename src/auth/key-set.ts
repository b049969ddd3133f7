import { createRemoteJWKSet, customFetch, errors } from 'jose';
import type { CryptoKey, FlattenedJWSInput, JWSHeaderParameters } from 'jose';

import { KeySetUnavailableError } from './auth-errors.ts';
import { tokenBucket } from '../lib/token-bucket.ts';

const MAX_AGE = 10 * 60_000;
const FETCH_TIMEOUT = 5_000;
const FETCH_BURST = 5;
const FETCH_INTERVAL = 30_000;

/** The two names of one algorithm: https://www.rfc-editor.org/rfc/rfc9864#section-2.2. A key may have either. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ['Ed25519', 'EdDSA'],
  ['EdDSA', 'Ed25519'],
]);

export interface KeySetOptions {
  /** Where the provider publishes its keys: https://www.rfc-editor.org/rfc/rfc7517#section-5 */
  readonly url: URL;
  /** The time in ms since the epoch. */
  readonly now: () => number;
  /** Called when the provider has published other keys than before. */
  readonly onChange: () => void;
  /** Makes the signal that gives a fetch up. Default: after 5 s. */
  readonly deadline?: (() => AbortSignal) | undefined;
}

/** The identity provider's keys. */
export interface KeySet {
  /**
   * Finds the key that a token is signed with, by the token's header.
   *
   * @throws KeySetUnavailableError when no keys were ever fetched, or the key is unknown and the last fetch failed
   * @throws errors.JWKSNoMatchingKey when the key is unknown to the provider
   * @throws errors.JWKSMultipleMatchingKeys when the header leaves open which key it is; it iterates over them
   */
  find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey>;
  /** Whether the keys are older than 10 minutes, or the last fetch failed. */
  isStale(): boolean;
  /** Fetches the keys again when they are stale. */
  refreshIfStale(): Promise<void>;
}

/**
 * Creates a key set that fetches the identity provider's keys. They are fetched again after 10 minutes, and when a token
 * names an unknown key, since the provider may have rotated its keys. When a fetch fails, the keys of the last successful
 * one stay valid. Fetches are limited to 5 in a burst and one more each 30 s, so that tokens with made-up key ids do not
 * cause a flood of requests to the provider.
 */
export function remoteKeySet({ url, now, onChange, deadline = fetchTimeout }: KeySetOptions): KeySet {
  // jose must not fetch on its own: its limits count successful fetches only, and it drops keys that are too old.
  const keys = createRemoteJWKSet(url, {
    cacheMaxAge: Infinity,
    cooldownDuration: Infinity,
    [customFetch]: (address, options) => fetch(address, { ...options, signal: deadline() }),
  });
  const mayFetch = tokenBucket({ burst: FETCH_BURST, interval: FETCH_INTERVAL, now });
  let published: string | null = null;
  let fetchedAt = -Infinity;
  let failure: ErrorOptions | undefined;

  /** Fetches the keys, once for concurrent calls. Does nothing when the rate limit is reached. Never rejects. */
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

  function isStale(): boolean {
    return failure !== undefined || now() - fetchedAt >= MAX_AGE;
  }

  async function refreshIfStale(): Promise<void> {
    if (!isStale()) return;
    const wasDown = failure !== undefined;
    const refreshed = refresh();
    // While the last fetch failed, tokens that are signed with known keys do not wait for another.
    if (published !== null && wasDown) return;
    await refreshed;
    if (published === null) throw new KeySetUnavailableError(failure);
  }

  /** Finds a key among those that were fetched last. */
  async function lookUp(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
    try {
      return await keys(header, token);
    } catch (error) {
      const alg = OTHER_NAMES.get(header.alg ?? '');
      if (alg === undefined || !(error instanceof errors.JWKSNoMatchingKey)) throw error;
      return keys({ ...header, alg }, token);
    }
  }

  async function find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
    await refreshIfStale();
    try {
      return await lookUp(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
    }
    await refresh();
    try {
      return await lookUp(header, token);
    } catch (error) {
      const mayBeNew = error instanceof errors.JWKSNoMatchingKey && failure !== undefined;
      throw mayBeNew ? new KeySetUnavailableError(failure) : error;
    }
  }

  return { find, isStale, refreshIfStale };
}

function fetchTimeout(): AbortSignal {
  return AbortSignal.timeout(FETCH_TIMEOUT);
}
