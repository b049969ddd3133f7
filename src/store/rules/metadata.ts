import { isDeepStrictEqual } from 'node:util';
import { type Outcome, refused } from '../outcome.ts';
import type { Owner } from '../owner.ts';
import type { Json, JsonObject } from '../records.ts';
import { EMPTY, refuseNull, refuseSize, setKey, storableJson } from './json.ts';

const KEY = 'metadata';

/**
 * A deeply frozen copy of given metadata without the key `owner`, which is overwritten whatever its value. Undefined
 * when no metadata is given.
 */
export function checkMetadata(given: JsonObject | null | undefined): Outcome<JsonObject | undefined> {
  if (given === undefined) return { value: undefined };
  if (given === null) return refused(refuseNull(KEY));
  return storableJson(KEY, withoutOwner(given));
}

/** The metadata of a new record, with the key `owner`. @param given the result of {@link checkMetadata} */
export function newMetadata(owner: Owner, given: JsonObject = EMPTY): Outcome<JsonObject> {
  return withOwner(owner, { ...given });
}

/**
 * Metadata after an update, merged one level deep: a given key replaces the stored value, a null removes the key, the
 * other keys and `owner` stay. The same object when nothing changes.
 * @param given the result of {@link checkMetadata}
 */
export function mergeMetadata(
  owner: Owner,
  stored: JsonObject,
  given: JsonObject | undefined,
): Outcome<JsonObject> {
  if (given === undefined) return { value: stored };
  const merged: Record<string, Json> = {};
  for (const [key, value] of Object.entries({ ...withoutOwner(stored), ...given })) {
    if (value !== null || !Object.hasOwn(given, key)) setKey(merged, key, value);
  }
  const outcome = withOwner(owner, merged);
  return 'value' in outcome && isDeepStrictEqual(outcome.value, stored) ? { value: stored } : outcome;
}

/** Metadata without the key `owner`, which does not count towards the limits. */
export function withoutOwner<T>(metadata: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  const { owner: _, ...rest } = metadata;
  return rest;
}

function withOwner(owner: Owner, metadata: Record<string, Json>): Outcome<JsonObject> {
  const tooLarge = refuseSize(KEY, metadata);
  if (tooLarge !== null) return refused(tooLarge);
  metadata.owner = owner;
  return { value: Object.freeze(metadata) };
}
