import { SignJWT } from 'jose';
import type { JWTPayload } from 'jose';

export const SECRET = 'a secret of at least 32 bytes, for tests';
export const START = Date.UTC(2026, 0, 1);
export const HOUR = 3_600_000;

/** Seconds since the epoch, as claims have them, so many seconds from the start. */
export function at(seconds: number): number {
  return START / 1000 + seconds;
}

/** The claims of a good token at the start; undefined takes one away. */
export function claims(changes: Record<string, unknown> = {}): JWTPayload {
  const all = { sub: 'alice', iat: at(0), exp: at(3600), ...changes };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

export function signed(payload: JWTPayload, secret = SECRET, alg = 'HS256'): Promise<string> {
  return new SignJWT(payload).setProtectedHeader({ alg }).sign(Buffer.from(secret));
}

/** A clock that only a test moves. */
export function testClock() {
  let time = START;
  return { now: () => time, advance: (ms: number) => void (time += ms) };
}
