declare const owned: unique symbol;

/**
 * The name of an owner. It is a branded type: a plain string, such as an id, in the owner's place does not compile, nor
 * does a call without the owner.
 */
export type Owner = string & { readonly [owned]: true };

const MAX_LENGTH = 255;
const CONTROL = /\p{Cc}/u;

/** Whether a value can be an owner: 1 to 255 code points, not blank, no control characters or lone surrogates. */
export function isOwner(value: unknown): value is Owner {
  return (
    typeof value === 'string' &&
    value.trim() !== '' &&
    value.length <= 2 * MAX_LENGTH &&
    Array.from(value).length <= MAX_LENGTH &&
    !CONTROL.test(value) &&
    value.isWellFormed()
  );
}

/** The key of an owner's record in a map over all owners: an owner's name never contains U+0000. */
export function ownedKey(owner: Owner, id: string): string {
  return `${owner}\0${id}`;
}

/** The owner with this name. @throws TypeError for a name that cannot be an owner's */
export function asOwner(name: string): Owner {
  if (!isOwner(name)) throw new TypeError(`${JSON.stringify(name)} cannot be an owner.`);
  return name;
}
