import { isObject } from '../lib/is-object.ts';
import { CallError } from './call-error.ts';
import type { JsonObject } from './claimed-run.ts';

/** A text of a response. @throws CallError for anything else */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new CallError(`The server answered ${JSON.stringify(value)} in place of a text.`);
}

/** A list of a response. @throws CallError for anything else */
export function arrayOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new CallError(`The server answered ${JSON.stringify(value)} in place of a list.`);
}

/** A JSON object of a response. @throws CallError for anything else */
export function objectOf(value: unknown): JsonObject {
  if (isObject(value)) return value;
  throw new CallError(`The server answered ${JSON.stringify(value)} in place of an object.`);
}
