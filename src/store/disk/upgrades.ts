import { isObject } from '../../lib/is-object.ts';
import { fromFormat1 } from '../rules/from-format-1.ts';
import { DamagedFile, NewerFile } from './data-file-errors.ts';
import type { Environment, Records } from './open-lmdb.ts';
import { parseJson, parseKey, withChecksum } from './record-entry.ts';

/** Upgrades all records from one version of the format to the next. */
export type Upgrade = (records: Records) => void;

/** The upgrades from version 1 on, in order: the newest version of the format is one more than their number. */
export const UPGRADES: readonly Upgrade[] = [
  // Runs that workers execute: threads and runs have new fields.
  (records) => {
    for (const { key, value } of records.getRange({ snapshot: true })) {
      const [, resource, id] = parseKey(key);
      const record = parseJson(value, id);
      if (!isObject(record)) throw new DamagedFile(`the ${resource} ${id} is not an object`);
      void records.put(key, withChecksum(JSON.stringify(fromFormat1(resource, record))));
    }
  },
];

/**
 * Upgrades a file to the newest version, within the caller's transaction.
 * @throws DamagedFile
 * @throws NewerFile
 */
export function upgradeFormat(
  { meta, records }: Pick<Environment, 'meta' | 'records'>,
  upgrades: readonly Upgrade[],
): void {
  const newest = 1 + upgrades.length;
  const stored = meta.get('version') ?? '';
  if (!/^[1-9]\d{0,5}$/.test(stored)) throw new DamagedFile('its version is not a number');
  const version = Number(stored);
  if (version > newest) {
    throw new NewerFile(`has version ${version} of the format, and this program knows ${newest} at most`);
  }
  if (version === newest) return;
  for (const upgrade of upgrades.slice(version - 1)) upgrade(records);
  void meta.put('version', String(newest));
}
