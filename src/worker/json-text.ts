import { isObject } from '../lib/is-object.ts';
import { storableText } from '../store/rules/json.ts';

/**
 * A value as the JSON that the server stores.
 * @param name what it is, for the message
 * @param max in bytes
 * @throws {TypeError} when it is no JSON object, or cannot be stored
 */
export function jsonTextOf(name: string, value: unknown, max: number): string {
  const text = JSON.stringify(value);
  const parsed: unknown = text === undefined ? undefined : JSON.parse(text);
  if (!isObject(parsed)) throw new TypeError(`\`${name}\` must be a JSON object.`);
  const outcome = storableText(name, parsed, max);
  if ('value' in outcome) return outcome.value;
  throw new TypeError(outcome.refusals[0]?.message);
}
