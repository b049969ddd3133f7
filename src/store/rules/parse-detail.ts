import { isObject } from '../../lib/is-object.ts';
import { type OwnedDetail, PAYLOAD_NAMES } from '../archive.ts';
import { RESOURCES } from '../change.ts';
import type { Owner } from '../owner.ts';
import { MAX_PAYLOAD_BYTES, storableText } from './json.ts';
import { isDigest, parseExecution, parseKeyRecord, parseRunEvent } from './parse-execution.ts';
import type { RecordProblem } from './parse-record.ts';

/** How many keys a detail has, its `id` included. */
const KEY_COUNTS = { execution: 10, payload: 3, key: 3, event: 6 } as const satisfies Record<
  OwnedDetail['detail'],
  number
>;

/**
 * Parses a detail that was stored or exported earlier, or says why it is not valid. Whether its record exists is not
 * checked.
 */
export function parseDetail(
  detail: OwnedDetail['detail'],
  owner: Owner,
  given: unknown,
): OwnedDetail | RecordProblem {
  if (!isObject(given) || typeof given.id !== 'string') return { problem: 'has no id' };
  // A missing key fails the rule of its value.
  if (Object.keys(given).length > KEY_COUNTS[detail]) return { problem: 'has an unknown key' };
  const { id } = given;
  switch (detail) {
    case 'execution': {
      const value = parseExecution(given);
      if (value === null) return { problem: 'is not valid' };
      if (value.claims === 0) return { problem: 'is that of a run that no worker has had' };
      return { owner, detail, id, value };
    }
    case 'payload': {
      const name = PAYLOAD_NAMES.find((known) => known === given.name);
      if (name === undefined) return { problem: 'has no name' };
      if (!isObject(given.value)) return { problem: 'has no JSON object as `value`' };
      const text = storableText(name, given.value, MAX_PAYLOAD_BYTES);
      return 'refusals' in text
        ? { problem: 'has an invalid `value`' }
        : { owner, detail, id, name, value: text.value };
    }
    case 'key': {
      if (!isKeyId(id)) return { problem: 'has no valid id' };
      const value = parseKeyRecord(given);
      return value === null ? { problem: 'is not valid' } : { owner, detail, id, value };
    }
    case 'event': {
      const value = parseRunEvent(given);
      return value === null ? { problem: 'is not valid' } : { owner, detail, id, value };
    }
  }
}

/** Whether a text has the form of `keyId`. */
function isKeyId(id: string): boolean {
  const [resource, key, ...rest] = id.split(' ');
  return RESOURCES.some((known) => known === resource) && isDigest(key) && rest.length === 0;
}
