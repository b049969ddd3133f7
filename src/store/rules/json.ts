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
  const refusal = refuseJson(key, value);
  return refusal === null ? { value: copyObject(value) } : refused(refusal);
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
  const unstorable = refuseJson(key, value);
  if (unstorable !== null) return refused(unstorable);
  const text = JSON.stringify(value);
  const tooLarge = refuseBytes(key, text, max);
  return tooLarge === null ? { value: text } : refused(tooLarge);
}

/** Whether texts have more bytes of UTF-8 than a limit: only where they may, which their lengths tell, are they counted. */
export function haveMoreBytes(texts: readonly string[], max: number): boolean {
  if (texts.reduce((sum, text) => sum + text.length, 0) * MAX_BYTES_OF_CODE_UNIT <= max) return false;
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) > max;
}

/** The most bytes of UTF-8 that a UTF-16 code unit takes. */
const MAX_BYTES_OF_CODE_UNIT = 3;

function refuseBytes(key: string, text: string, max: number): Refusal | null {
  if (!haveMoreBytes([text], max)) return null;
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

/** Why a JSON object cannot be stored, whatever its size; null where it can. */
function refuseJson(key: string, value: Readonly<Record<string, unknown>>): Refusal | null {
  try {
    checkObject(value, 1, []);
    return null;
  } catch (error) {
    if (!(error instanceof UnstorableJson)) throw error;
    return invalid(key, `\`${key}\` ${error.message}`);
  }
}

function checkObject(value: Readonly<Record<string, unknown>>, level: number, path: string[]): void {
  checkLevel(level);
  for (const key of Object.keys(value)) {
    path.push(key);
    if (!isStorableText(key)) throw new UnstorableJson(`has a key with ${BAD_TEXT} at ${describe(path)}.`);
    checkValue(value[key] ?? null, level, path);
    path.pop();
  }
}

function checkValue(value: unknown, level: number, path: string[]): void {
  switch (typeof value) {
    case 'string':
      if (isStorableText(value)) return;
      throw new UnstorableJson(`has a string with ${BAD_TEXT} at ${describe(path)}.`);
    case 'number':
      if (Number.isFinite(value)) return;
      throw new UnstorableJson(`has a number beyond the range of an IEEE double at ${describe(path)}.`);
    case 'object':
      if (Array.isArray(value)) checkArray(value, level + 1, path);
      else if (isObject(value)) checkObject(value, level + 1, path);
      return;
    case 'boolean':
      return;
    default:
      throw new UnstorableJson(`has a value that is not JSON at ${describe(path)}.`);
  }
}

function checkArray(values: readonly unknown[], level: number, path: string[]): void {
  checkLevel(level);
  for (const [index, value] of values.entries()) {
    path.push(String(index));
    checkValue(value, level, path);
    path.pop();
  }
}

/** A deeply frozen copy of an object that can be stored. */
function copyObject(value: Readonly<Record<string, unknown>>): JsonObject {
  const copy: Record<string, Json> = {};
  for (const key of Object.keys(value)) setKey(copy, key, copyValue(value[key]));
  return Object.freeze(copy);
}

function copyValue(value: unknown): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      // -0 becomes 0: `JSON.stringify` and PostgreSQL do so too.
      return value === 0 ? 0 : value;
    default:
      if (Array.isArray(value)) return Object.freeze(value.map(copyValue));
      return isObject(value) ? copyObject(value) : null;
  }
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
