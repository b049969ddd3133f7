import { crc32 } from 'node:zlib';
import type { Key } from 'lmdb';
import type { OwnedRecord } from '../archive.ts';
import { type Change, RESOURCES } from '../change.ts';
import { isOwner, type Owner } from '../owner.ts';
import { parseRecord } from '../rules/parse-record.ts';
import { DamagedFile } from './data-file-errors.ts';

const CHECKSUM_DIGITS = 8;

/** The text that a record is stored as: a checksum of 8 hex digits, then JSON. Most flipped bits leave valid JSON. */
export function withChecksum(json: string): string {
  return crc32(json).toString(16).padStart(CHECKSUM_DIGITS, '0') + json;
}

/** Reads an entry of the records. @throws DamagedFile when it is not valid */
export function parseEntry({ key, value }: { readonly key: Key; readonly value: string }): OwnedRecord {
  const [owner, resource, id] = parseKey(key);
  const record = parseRecord(resource, owner, parseJson(value, id));
  if ('problem' in record) throw new DamagedFile(`the ${resource} ${id} ${record.problem}`);
  if (record.after.id !== id) throw new DamagedFile(`the ${resource} ${id} has another id in it`);
  return { owner, ...record };
}

/** Reads the key of an entry. @throws DamagedFile when it is not valid */
export function parseKey(key: Key): readonly [owner: Owner, resource: Change['resource'], id: string] {
  if (Array.isArray(key) && key.length === 3) {
    const [owner, kind, id] = key;
    const resource = RESOURCES.find((known) => known === kind);
    if (isOwner(owner) && resource !== undefined && typeof id === 'string') return [owner, resource, id];
  }
  throw new DamagedFile('it has a record with an invalid key');
}

/** The text of {@link withChecksum}. @throws DamagedFile when its checksum is another */
export function withoutChecksum(text: string, id: string): string {
  const json = text.slice(CHECKSUM_DIGITS);
  if (crc32(json) !== Number.parseInt(text.slice(0, CHECKSUM_DIGITS), 16)) {
    throw new DamagedFile(`the record ${id.slice(0, 32)} has a wrong checksum`);
  }
  return json;
}

/** The value of the JSON in a text of {@link withChecksum}. @throws DamagedFile when its checksum is another */
export function parseJson(text: string, id: string): unknown {
  const value: unknown = JSON.parse(withoutChecksum(text, id));
  return value;
}
