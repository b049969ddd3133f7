import { isObject } from '../lib/is-object.ts';
import { andThen, type MaybePromise } from '../lib/maybe-promise.ts';
import type { RunPayloads } from '../store/execution.ts';
import type { JsonObject } from '../store/records.ts';
import type { Context } from './context.ts';
import { ownerOf } from './owner-of.ts';

/**
 * Reads a payload of a run.
 * @param id of the run; null where it has none
 * @param payloads those of the run, where an event has them
 */
export function readPayload(
  context: Context,
  id: string | null,
  name: keyof RunPayloads,
  payloads: RunPayloads | undefined,
): MaybePromise<JsonObject | null> {
  if (id === null) return null;
  if (payloads !== undefined) return parsePayload(payloads[name]);
  return andThen(context.stores.runs.payload(ownerOf(context), id, name), parsePayload);
}

/** The object of a stored payload. */
export function parsePayload(text: string | null): JsonObject | null {
  return text === null ? null : parseObject(text);
}

/** The object in a stored text. */
export function parseObject(text: string): JsonObject {
  const value: unknown = JSON.parse(text);
  if (!isJsonObject(value)) throw new TypeError('A stored text is no JSON object.');
  return value;
}

function isJsonObject(value: unknown): value is JsonObject {
  return isObject(value);
}
