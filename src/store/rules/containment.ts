import { BadUserInput } from '../bad-user-input.ts';
import type { Json, JsonObject } from '../records.ts';
import { isArray, isStorable } from './json.ts';
import { withoutOwner } from './metadata.ts';

/** Whether stored metadata can contain a filter. A value that cannot be stored matches nothing. */
export function canMatch(filter: JsonObject): boolean {
  return typeof (filter.owner ?? '') === 'string' && isStorable(withoutOwner(filter));
}

/**
 * The maximum number of comparisons for one record, about a millisecond: two lists of objects take the product of their
 * lengths, and block the event loop meanwhile.
 */
const MAX_COMPARISONS = 100_000;

/**
 * Whether JSON contains other JSON, as PostgreSQL's `jsonb @>` defines it: objects key by key, arrays as sets,
 * scalars by type and value.
 * @throws BadUserInput when it takes too many comparisons
 * @see https://www.postgresql.org/docs/current/datatype-json.html#JSON-CONTAINMENT
 */
export function contains(whole: Json, part: Json): boolean {
  return containsValue(whole, part, { left: MAX_COMPARISONS });
}

/** How many comparisons are left. */
interface Budget {
  left: number;
}

function containsValue(whole: Json | undefined, part: Json, budget: Budget): boolean {
  spend(budget, 1);
  if (typeof part !== 'object' || part === null) return whole === part;
  if (typeof whole !== 'object' || whole === null) return false;
  if (isArray(part)) return isArray(whole) && containsItems(whole, part, budget);
  return !isArray(whole) && containsKeys(whole, part, budget);
}

function spend(budget: Budget, comparisons: number): void {
  budget.left -= comparisons;
  if (budget.left < 0) {
    throw new BadUserInput('`filter.metadata` takes too many comparisons: give shorter lists of objects.');
  }
}

function containsKeys(whole: JsonObject, part: JsonObject, budget: Budget): boolean {
  for (const key of Object.keys(part)) {
    if (!Object.hasOwn(whole, key) || !containsValue(whole[key], part[key] ?? null, budget)) return false;
  }
  return true;
}

/** Above this many scalars a set is built, so that two long arrays do not take the product of their lengths. */
const MAX_LINEAR_SEARCH = 8;

function containsItems(whole: readonly Json[], part: readonly Json[], budget: Budget): boolean {
  spend(budget, whole.length + part.length);
  const scalars = part.filter((item) => typeof item !== 'object' || item === null);
  const known = scalars.length > MAX_LINEAR_SEARCH ? new Set(whole) : null;
  if (!scalars.every((item) => (known === null ? whole.includes(item) : known.has(item)))) return false;
  return part.every((item) => {
    if (typeof item !== 'object' || item === null) return true;
    return whole.some((candidate) => containsValue(candidate, item, budget));
  });
}
