import type { Token } from './job.ts';

/** A token in JSON; null for anything else. */
export function tokenIn(data: unknown): Token | null {
  if (typeof data !== 'object' || data === null) return null;
  const [n, at, delta]: unknown[] = ['n', 'at', 'delta'].map((key) => Reflect.get(data, key));
  return typeof n === 'number' && typeof at === 'number' && typeof delta === 'string'
    ? { n, at, delta }
    : null;
}
