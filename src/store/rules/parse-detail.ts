import { isObject } from '../../lib/is-object.ts';
import { type OwnedDetail, PAYLOAD_NAMES } from '../archive.ts';
import type { Owner } from '../owner.ts';
import type { RecordProblem } from './parse-record.ts';
import { parseExecution, parseKeyRecord, parseRunEvent } from './parse-execution.ts';
import { MAX_PAYLOAD_BYTES, storableText } from './json.ts';

/** Parses a detail that was exported earlier, or says why it is not valid. Whether its record exists is not checked. */
export function parseDetail(
  detail: OwnedDetail['detail'],
  owner: Owner,
  given: unknown,
): OwnedDetail | RecordProblem {
  if (!isObject(given) || typeof given.id !== 'string') return { problem: 'has no id' };
  const { id, ...rest } = given;
  switch (detail) {
    case 'execution': {
      const value = parseExecution(rest);
      return value === null ? { problem: 'is not valid' } : { owner, detail, id, value };
    }
    case 'payload': {
      const name = PAYLOAD_NAMES.find((known) => known === rest.name);
      if (name === undefined || !isObject(rest.value)) return { problem: 'has no name, or is not an object' };
      const text = storableText(name, rest.value, MAX_PAYLOAD_BYTES);
      return 'refusals' in text
        ? { problem: 'is not valid' }
        : { owner, detail, id, name, value: text.value };
    }
    case 'key': {
      const value = parseKeyRecord(rest);
      return value === null ? { problem: 'is not valid' } : { owner, detail, id, value };
    }
    case 'event': {
      const value = parseRunEvent(rest);
      return value === null ? { problem: 'is not valid' } : { owner, detail, id, value };
    }
  }
}
