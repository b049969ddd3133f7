import { isObject } from '../../lib/is-object.ts';
import { type Outcome, type Refusal, refused } from '../outcome.ts';
import type { Json, JsonObject } from '../records.ts';
import { invalid, isStorableText } from './text.ts';

/** The maximum size of a stored JSON object, in bytes of UTF-8 without white space. */
export const MAX_JSON_BYTES = 65_536;
/** The maximum size of a run's input, output or checkpoint, likewise. */
export const MAX_PAYLOAD_BYTES = 524_288;
/** The maximum depth of a stored JSON object: the object itself is level 1, scalars are no level. */
const MAX_JSON_DEPTH = 32;

/** The empty JSON object. */
export const EMPTY: JsonObject = Object.freeze({});

/**
 * A deeply frozen copy of a JSON object, or why it cannot be stored. Its size is not checked here, since the limit is on
 * the value as it would be stored: see {@link refuseSize}.
 */
export function storableJson(key: string, value: Readonly<Record<string, unknown>>): Outcome<JsonObject> {
  try {
    return { value: copyObject(value, 1, []) };
  } catch (error) {
    if (!(error instanceof UnstorableJson)) throw error;
    return refused(invalid(key, `\`${key}\` ${error.message}`));
  }
}

/** The refusal of a null where a JSON object or a text is required. */
export function refuseNull(key: string): Refusal {
  return invalid(key, `\`${key}\` cannot be null: leave it out, or give a value.`);
}

/** Why a JSON object is too large to be stored, or null when it is not. */
export function refuseSize(key: string, value: JsonObject): Refusal | null {
  return refuseBytes(key, JSON.stringify(value), MAX_JSON_BYTES);
}

/** Checks a JSON object and its size: its compact JSON, or why it cannot be stored. @param max in bytes */
export function storableText(
  key: string,
  value: Readonly<Record<string, unknown>>,
  max: number,
): Outcome<string> {
  const outcome = storableJson(key, value);
  if ('refusals' in outcome) return outcome;
  const text = JSON.stringify(outcome.value);
  const refusal = refuseBytes(key, text, max);
  return refusal === null ? { value: text } : refused(refusal);
}

function refuseBytes(key: string, text: string, max: number): Refusal | null {
  if (Buffer.byteLength(text) <= max) return null;
  const message = `\`${key}\` is too large: at most ${max / 1024} KiB (${max} bytes) of JSON are accepted.`;
  return invalid(key, message);
}

/** Whether a JSON object can be stored. */
export function isStorable(value: JsonObject): boolean {
  return 'value' in storableJson('', value) && refuseSize('', value) === null;
}

/** Sets a key of a plain object. By an assignment, `__proto__` would set the prototype instead. */
export function setKey<T>(object: Record<string, T>, key: string, value: T): void {
  if (key !== '__proto__') object[key] = value;
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

class UnstorableJson extends Error {}

function copyObject(value: Readonly<Record<string, unknown>>, level: number, path: string[]): JsonObject {
  checkLevel(level);
  const copy: Record<string, Json> = {};
  for (const key of Object.keys(value)) {
    path.push(key);
    if (!isStorableText(key)) throw new UnstorableJson(`has a key with ${BAD_TEXT} at ${describe(path)}.`);
    setKey(copy, key, copyValue(value[key] ?? null, level, path));
    path.pop();
  }
  return Object.freeze(copy);
}

function copyValue(value: unknown, level: number, path: string[]): Json {
  switch (typeof value) {
    case 'string':
      if (!isStorableText(value))
        throw new UnstorableJson(`has a string with ${BAD_TEXT} at ${describe(path)}.`);
      return value;
    case 'number':
      if (!Number.isFinite(value)) {
        throw new UnstorableJson(`has a number beyond the range of an IEEE double at ${describe(path)}.`);
      }
      // -0 becomes 0: `JSON.stringify` and PostgreSQL do so too.
      return value === 0 ? 0 : value;
    case 'object':
      if (Array.isArray(value)) return copyArray(value, level + 1, path);
      return isObject(value) ? copyObject(value, level + 1, path) : null;
    case 'boolean':
      return value;
    default:
      throw new UnstorableJson(`has a value that is not JSON at ${describe(path)}.`);
  }
}

function copyArray(values: readonly unknown[], level: number, path: string[]): Json {
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
    throw new UnstorableJson(`is nested too deeply: at most ${MAX_JSON_DEPTH} levels are accepted.`);
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
