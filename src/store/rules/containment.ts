import type { Json, JsonObject } from '../records.ts';
import { isArray, isStorable } from './json.ts';
import { withoutOwner } from './metadata.ts';

/** Whether some stored metadata could contain a filter. What could never be stored is contained in nothing. */
export function canMatch(filter: JsonObject): boolean {
  return typeof (filter.owner ?? '') === 'string' && isStorable(withoutOwner(filter));
}

/**
 * Whether JSON contains other JSON, as PostgreSQL's `jsonb @>` defines it: objects key by key, arrays as sets,
 * scalars by type and value.
 * @see https://www.postgresql.org/docs/current/datatype-json.html#JSON-CONTAINMENT
 */
export function contains(whole: Json | undefined, part: Json): boolean {
  if (typeof part !== 'object' || part === null) return whole === part;
  if (typeof whole !== 'object' || whole === null) return false;
  if (isArray(part)) return isArray(whole) && containsItems(whole, part);
  return !isArray(whole) && containsKeys(whole, part);
}

function containsKeys(whole: JsonObject, part: JsonObject): boolean {
  for (const key of Object.keys(part)) {
    if (!Object.hasOwn(whole, key) || !contains(whole[key], part[key] ?? null)) return false;
  }
  return true;
}

// Above this many scalars a set is built, so that two long arrays do not cost their product.
const FEW = 8;

function containsItems(whole: readonly Json[], part: readonly Json[]): boolean {
  const scalars = part.filter((item) => typeof item !== 'object' || item === null);
  const known = scalars.length > FEW ? new Set(whole) : null;
  if (!scalars.every((item) => (known === null ? whole.includes(item) : known.has(item)))) return false;
  return part.every((item) => {
    if (typeof item !== 'object' || item === null) return true;
    return whole.some((candidate) => contains(candidate, item));
  });
}
