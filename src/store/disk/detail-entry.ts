import type { Key } from 'lmdb';
import { PAYLOAD_NAMES } from '../archive.ts';
import type { Detail } from '../detail.ts';
import { NO_PAYLOADS, type RunPayloads } from '../execution.ts';
import { parseExecution, parseKeyRecord } from '../rules/parse-execution.ts';
import { DamagedFile } from './data-file-errors.ts';
import { parseJson, withoutChecksum } from './record-entry.ts';

/** A part of a key that is greater than all ids, resources and kinds. */
export const AFTER_ALL = '\uffff';

const KINDS = ['execution', 'key', ...PAYLOAD_NAMES] as const;

/** An entry that a detail is stored as. */
interface DetailEntry {
  readonly kind: (typeof KINDS)[number];
  readonly id: string;
  /** Null where the entry is removed. */
  readonly text: string | null;
}

/** The entries that a detail changes: each payload has its own, so that it is written once. */
export function detailEntries(detail: Detail): readonly DetailEntry[] {
  const { kind, id, after } = detail;
  if (detail.kind !== 'payloads') {
    return [{ kind: kind === 'key' ? 'key' : 'execution', id, text: after && JSON.stringify(after) }];
  }
  const [from, to] = [detail.before ?? NO_PAYLOADS, detail.after ?? NO_PAYLOADS];
  return PAYLOAD_NAMES.filter((name) => from[name] !== to[name]).map((name) => ({
    kind: name,
    id,
    text: to[name],
  }));
}

/** Reads the details of one owner. @throws DamagedFile about the first entry that is not valid */
export function parseDetails(
  entries: Iterable<{ readonly key: Key; readonly value: string }>,
): readonly Detail[] {
  const details: Detail[] = [];
  const payloads = new Map<string, RunPayloads>();
  for (const { key, value } of entries) {
    const [kind, id] = parseDetailKey(key);
    if (kind === 'execution') {
      const after = parseExecution(parseJson(value, id));
      if (after === null) throw new DamagedFile(`the execution of the run ${id} is not valid`);
      details.push({ kind, id, before: null, after });
    } else if (kind === 'key') {
      const after = parseKeyRecord(parseJson(value, id));
      if (after === null) throw new DamagedFile(`the idempotency key ${id} is not valid`);
      details.push({ kind, id, before: null, after });
    } else {
      payloads.set(id, { ...(payloads.get(id) ?? NO_PAYLOADS), [kind]: withoutChecksum(value, id) });
    }
  }
  for (const [id, after] of payloads) {
    details.push({ kind: 'payloads', id, before: null, after: Object.freeze(after) });
  }
  return details;
}

function parseDetailKey(key: Key): readonly [DetailEntry['kind'], string] {
  if (Array.isArray(key) && key.length === 3) {
    const [, given, id] = key;
    const kind = KINDS.find((known) => known === given);
    if (kind !== undefined && typeof id === 'string') return [kind, id];
  }
  throw new DamagedFile('it has a detail with an invalid key');
}
