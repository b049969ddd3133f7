import { isOwner, type Owner } from '../../src/store/owner.ts';

/** An owner for a test. */
export function owner(name: string): Owner {
  if (!isOwner(name)) throw new TypeError(`${JSON.stringify(name)} is no owner.`);
  return name;
}
