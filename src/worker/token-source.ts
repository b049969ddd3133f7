import { isObject } from '../lib/is-object.ts';

/** Milliseconds before its expiry in which a token is replaced: a call takes less. */
const EARLY = 60_000;

/** Where the calls of a worker get their token. */
export interface TokenSource {
  /** The token to send. Rejects when the function that gets it does. */
  get(): Promise<string>;
  /** Called when the server refused a token. Returns whether another one can be had. */
  refused(token: string): boolean;
}

/** A source of tokens: one that never changes, or a function that gets one. */
export function tokenSource(token: string | (() => string | Promise<string>)): TokenSource {
  if (typeof token === 'string') return { get: () => Promise.resolve(token), refused: () => false };
  return changingTokens(token);
}

function changingTokens(getToken: () => string | Promise<string>): TokenSource {
  let current: { readonly token: string; readonly expiresAt: number } | null = null;
  let pending: Promise<string> | null = null;

  async function getAnother(): Promise<string> {
    try {
      // Called later, so that one that throws at once rejects as others do: after `pending` was set.
      const another = await Promise.resolve().then(getToken);
      current = { token: another, expiresAt: expiryOf(another) };
      return another;
    } finally {
      pending = null;
    }
  }

  return {
    get() {
      if (current !== null && current.expiresAt - Date.now() > EARLY) return Promise.resolve(current.token);
      pending ??= getAnother();
      return pending;
    },
    refused(refusedToken) {
      if (current?.token === refusedToken) current = null;
      return true;
    },
  };
}

/** The milliseconds since the epoch at which a JWT expires; Infinity where it does not say. The server checks it. */
function expiryOf(token: string): number {
  try {
    const payload: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    return isObject(payload) && typeof payload['exp'] === 'number' ? payload['exp'] * 1_000 : Infinity;
  } catch {
    return Infinity;
  }
}
