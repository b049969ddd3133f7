import { type Outcome, type Refusal, refused } from '../outcome.ts';
import type { Json, JsonObject } from '../records.ts';
import { invalid, isStorableText } from './text.ts';

/** The size of a stored JSON object: bytes of its compact form in UTF-8. */
export const MAX_JSON_BYTES = 65_536;
/** The levels of a stored JSON object: itself is level 1, and scalars are no level. */
export const MAX_JSON_DEPTH = 32;

/** An object with nothing in it. */
export const EMPTY: JsonObject = Object.freeze({});

/**
 * A copy of a caller's JSON object, frozen all the way down, or why it cannot be stored. The size is not looked
 * at here, since what counts is the value as it would be stored: see {@link refuseSize}.
 */
export function storableJson(key: string, value: JsonObject): Outcome<JsonObject> {
  try {
    return { value: copyObject(value, 1, []) };
  } catch (error) {
    if (!(error instanceof Unstorable)) throw error;
    return refused(invalid(key, `\`${key}\` ${error.message}`));
  }
}

/** The refusal of a null under a key of the input that must hold a JSON object or a text. */
export function refuseNull(key: string): Refusal {
  return invalid(key, `\`${key}\` cannot be null: leave it out, or give a value.`);
}

/** Why a JSON object is too large to be stored under a key of the input, or null when it is not. */
export function refuseSize(key: string, value: JsonObject): Refusal | null {
  if (Buffer.byteLength(JSON.stringify(value)) <= MAX_JSON_BYTES) return null;
  return invalid(
    key,
    `\`${key}\` is too large: at most 64 KiB (${MAX_JSON_BYTES} bytes) of JSON are accepted.`,
  );
}

/** Whether a JSON object is one that a store could hold. */
export function isStorable(value: JsonObject): boolean {
  return 'value' in storableJson('', value) && refuseSize('', value) === null;
}

/** Sets a key of a plain object, `__proto__` included, which an assignment would take for the prototype. */
export function setKey<T>(object: Record<string, T>, key: string, value: T): void {
  if (key !== '__proto__') object[key] = value;
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

class Unstorable extends Error {}

function copyObject(value: JsonObject, level: number, path: string[]): JsonObject {
  checkLevel(level);
  const copy: Record<string, Json> = {};
  for (const key of Object.keys(value)) {
    path.push(key);
    if (!isStorableText(key)) throw new Unstorable(`has a key with ${BAD_TEXT} at ${describe(path)}.`);
    setKey(copy, key, copyValue(value[key] ?? null, level, path));
    path.pop();
  }
  return Object.freeze(copy);
}

function copyValue(value: Json, level: number, path: string[]): Json {
  switch (typeof value) {
    case 'string':
      if (!isStorableText(value)) throw new Unstorable(`has a string with ${BAD_TEXT} at ${describe(path)}.`);
      return value;
    case 'number':
      if (!Number.isFinite(value)) {
        throw new Unstorable(`has a number beyond the range of an IEEE double at ${describe(path)}.`);
      }
      // JSON has one zero, and so has every store.
      return value === 0 ? 0 : value;
    case 'object':
      if (value === null) return null;
      return isArray(value) ? copyArray(value, level + 1, path) : copyObject(value, level + 1, path);
    default:
      return value;
  }
}

function copyArray(values: readonly Json[], level: number, path: string[]): Json {
  checkLevel(level);
  const copy: Json[] = [];
  for (const [index, value] of values.entries()) {
    path.push(String(index));
    copy.push(copyValue(value, level, path));
    path.pop();
  }
  return Object.freeze(copy);
}

function checkLevel(level: number): void {
  if (level > MAX_JSON_DEPTH) {
    throw new Unstorable(`is nested too deeply: at most ${MAX_JSON_DEPTH} levels are accepted.`);
  }
}

const BAD_TEXT = 'U+0000 or a lone surrogate, which are not accepted,';
const MAX_PATH_SHOWN = 100;

function describe(path: readonly string[]): string {
  const shown = JSON.stringify(path.join('.').slice(0, MAX_PATH_SHOWN + 1));
  return shown.length > MAX_PATH_SHOWN ? `${shown.slice(0, MAX_PATH_SHOWN)}…"` : shown;
}

/** `Array.isArray`, for readonly arrays. */
export function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
