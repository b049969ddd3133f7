import { at } from './http-calls.ts';
import type { Token } from './job.ts';

/** A token in JSON; null for anything else. */
export function tokenIn(data: unknown): Token | null {
  if (typeof data !== 'object' || data === null) return null;
  const [n, sentAt, delta]: unknown[] = ['n', 'at', 'delta'].map((key) => Reflect.get(data, key));
  return typeof n === 'number' && typeof sentAt === 'number' && typeof delta === 'string'
    ? { n, at: sentAt, delta }
    : null;
}

/** Passes on the tokens in a list of events; nothing for anything else. */
export function readTokens(events: unknown, onToken: (token: Token) => void): void {
  if (!Array.isArray(events)) return;
  for (const event of events) {
    const token = tokenIn(at(event, 'data'));
    if (token !== null) onToken(token);
  }
}
