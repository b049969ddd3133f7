import { isDeepStrictEqual } from 'node:util';
import { type Outcome, refused } from '../outcome.ts';
import type { Owner } from '../owner.ts';
import type { Json, JsonObject } from '../records.ts';
import { EMPTY, refuseNull, refuseSize, setKey, storableJson } from './json.ts';

const KEY = 'metadata';

/**
 * A caller's metadata, copied and frozen, without `owner`: whatever it says there is overwritten, so nothing about
 * it can be wrong. Undefined when none is given.
 */
export function checkMetadata(given: JsonObject | null | undefined): Outcome<JsonObject | undefined> {
  if (given === undefined) return { value: undefined };
  if (given === null) return refused(refuseNull(KEY));
  return storableJson(KEY, withoutOwner(given));
}

/** The metadata of a new record, with `owner` stamped. @param given as {@link checkMetadata} made it */
export function newMetadata(owner: Owner, given: JsonObject = EMPTY): Outcome<JsonObject> {
  return stamped(owner, { ...given });
}

/**
 * Metadata after an update, one level deep: keys that are given replace theirs whole, a null removes its key, the
 * others and `owner` stay. The very same object when nothing changes.
 * @param given as {@link checkMetadata} made it
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
  const outcome = stamped(owner, merged);
  return 'value' in outcome && isDeepStrictEqual(outcome.value, stored) ? { value: stored } : outcome;
}

/** Metadata as its limits are counted: the `owner` key left out. */
export function withoutOwner(metadata: JsonObject): JsonObject {
  const { owner: _, ...rest } = metadata;
  return rest;
}

function stamped(owner: Owner, metadata: Record<string, Json>): Outcome<JsonObject> {
  const tooLarge = refuseSize(KEY, metadata);
  if (tooLarge !== null) return refused(tooLarge);
  metadata.owner = owner;
  return { value: Object.freeze(metadata) };
}
