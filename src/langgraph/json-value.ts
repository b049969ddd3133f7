import { isObject } from '../lib/is-object.ts';
import type { JsonObject } from '../worker/claimed-run.ts';

/** A JSON object has 32 levels at most, and events and checkpoints put these values into others. */
const MAX_LEVELS = 28;

/** The values of a graph's state as a JSON object. A state that is no object becomes `{ value }`. */
export function jsonObjectOf(state: unknown): JsonObject {
  const value = jsonValueOf(state);
  if (isObject(value)) return value;
  return value === null ? {} : { value };
}

/**
 * Converts any value to JSON. Messages become objects of their fields, with `type`; maps become objects, and sets
 * arrays. What JSON cannot represent (functions, symbols) is left out of objects, and null elsewhere.
 */
export function jsonValueOf(value: unknown): unknown {
  return convert(value, [], new Set()) ?? null;
}

/** @param parents the objects that hold the value @returns undefined for what is left out */
function convert(value: unknown, path: readonly string[], parents: ReadonlySet<object>): unknown {
  if (typeof value === 'string') return storable(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'boolean' || value === null) return value;
  if (typeof value !== 'object') return undefined;
  if (parents.has(value) || path.length === MAX_LEVELS) return '…';
  const inner = new Set(parents).add(value);
  const plain = plainOf(value);
  if (Array.isArray(plain)) {
    return plain.map((item: unknown, index) => convert(item, [...path, String(index)], inner) ?? null);
  }
  if (!isObject(plain)) return convert(plain, path, inner);
  const entries = Object.entries(plain)
    .map(([key, item]) => [storable(key), convert(item, [...path, key], inner)] as const)
    .filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries);
}

/** An object of a class as a value that JSON has. */
function plainOf(value: object): unknown {
  if (value instanceof Map)
    return Object.fromEntries(Array.from(value, ([key, item]) => [String(key), item]));
  if (value instanceof Set) return [...value];
  if (value instanceof Error) return { name: value.name, message: value.message };
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (isMessage(value)) return { ...value.toDict().data, type: value.getType() };
  if ('toJSON' in value && typeof value.toJSON === 'function') return value.toJSON();
  return value;
}

/** A message of `@langchain/core`, of whichever copy of it. */
interface Message {
  getType(): string;
  toDict(): { readonly data: object };
}

function isMessage(value: object): value is Message {
  return (
    'getType' in value &&
    typeof value.getType === 'function' &&
    'toDict' in value &&
    typeof value.toDict === 'function'
  );
}

/** A text that the server stores: without U+0000 and lone surrogates. */
function storable(text: string): string {
  return text.replaceAll('\0', '').toWellFormed();
}
