/**
 * Makes V8 keep a text as one string. A UUID of `randomUUID` is a concatenation of 14 strings, which takes 500 bytes
 * instead of 56 until it is read.
 */
export function flatten(text: string): void {
  ANY.test(text);
}

const ANY = /^/;
