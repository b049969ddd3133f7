import { andThen, type MaybePromise } from '../lib/maybe-promise.ts';
import { StoredJson } from '../lib/stored-json.ts';
import type { RunPayloads } from '../store/execution.ts';
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
): MaybePromise<StoredJson | null> {
  if (id === null) return null;
  if (payloads !== undefined) return jsonOf(payloads[name]);
  return andThen(context.stores.runs.payload(ownerOf(context), id, name), jsonOf);
}

/** A stored payload as a field returns it. */
export function jsonOf(text: string | null): StoredJson | null {
  return text === null ? null : new StoredJson(text);
}
