/**
 * Makes V8 keep a text as one string. A UUID of `randomUUID` is put together of 14 strings, with 500 bytes in place of 56,
 * until somebody reads it.
 */
export function flatten(text: string): void {
  ANY.test(text);
}

const ANY = /^/;
