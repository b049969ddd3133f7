import { isObject } from '../lib/is-object.ts';

/** Milliseconds before its expiry in which a token is replaced. */
const EARLY = 60_000;
/** Milliseconds before its expiry in which a token is not sent any more: a call takes less to arrive. */
const TOO_LATE = 5_000;
/** Milliseconds that the token function may take. After that, the next call calls it again. */
const TIMEOUT = 20_000;

/** The source of the tokens that the calls of a worker send. */
export interface TokenSource {
  /** The token to send. Rejects when the function that gets it does. */
  get(): Promise<string>;
  /** Called when the server refused a token. Returns whether another one is available. */
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
    let timer: NodeJS.Timeout | undefined;
    try {
      const timeout = new Promise<never>((_, reject) => {
        const error = new Error(
          `The token function has not returned a token within ${TIMEOUT / 1_000} seconds.`,
        );
        timer = setTimeout(reject, TIMEOUT, error);
      });
      // Called later, so that one that throws at once rejects as others do: after `pending` was set.
      const another: unknown = await Promise.race([Promise.resolve().then(getToken), timeout]);
      const text = typeof another === 'string' ? another.trim() : another;
      if (!isBearerToken(text)) throw new TypeError('The token function must return a bearer token.');
      current = { token: text, expiresAt: expiryOf(text) };
      return text;
    } finally {
      clearTimeout(timer);
      pending = null;
    }
  }

  return {
    get() {
      const left = current === null ? 0 : current.expiresAt - Date.now();
      if (current !== null && left > EARLY) return Promise.resolve(current.token);
      pending ??= getAnother();
      if (current === null || left <= TOO_LATE) return pending;
      // It is still valid while another one is fetched, which may take long or fail.
      pending.catch(() => {});
      return Promise.resolve(current.token);
    },
    refused(refusedToken) {
      if (current?.token === refusedToken) current = null;
      return true;
    },
  };
}

/** Whether a value can be sent as a token. */
export function isBearerToken(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]+$/.test(value);
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
