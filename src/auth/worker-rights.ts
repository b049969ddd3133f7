import type { JWTPayload } from 'jose';
import type { WorkerRights } from './identity.ts';

/**
 * What a token allows a worker of all owners; null where it is none's.
 * @param scope the word that its `scope` must have, which is a string of words or a list of them:
 * https://www.rfc-editor.org/rfc/rfc8693#section-4.2. Null where no token is a worker's.
 */
export function workerRights(claims: JWTPayload, scope: string | null): WorkerRights | null {
  if (scope === null || !wordsOf(claims.scope).includes(scope)) return null;
  if (!Object.hasOwn(claims, 'graphs')) return { graphs: null };
  const { graphs } = claims;
  // What is meant to narrow, and is not understood, allows nothing.
  return { graphs: isTexts(graphs) ? graphs : [] };
}

function wordsOf(scope: unknown): readonly unknown[] {
  if (typeof scope === 'string') return scope.split(' ');
  return Array.isArray(scope) ? scope : [];
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
