declare const owned: unique symbol;

/**
 * Whose data a call is about. Only {@link isOwner} makes one, so a plain string (an id, say) in the owner's
 * place does not compile, and neither does a call that forgets the owner.
 */
export type Owner = string & { readonly [owned]: true };

const MAX_LENGTH = 255;
const CONTROL = /\p{Cc}/u;

/** Whether a value names an owner: 1 to 255 code points, not blank, no control characters or lone surrogates. */
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

/** The owner of this name. Throws `TypeError` where the name is none. */
export function asOwner(name: string): Owner {
  if (!isOwner(name)) throw new TypeError(`${JSON.stringify(name)} is no owner.`);
  return name;
}
