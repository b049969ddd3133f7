import { hash, timingSafeEqual } from 'node:crypto';
import { BadUserInput } from '../bad-user-input.ts';
import type { Position } from './order.ts';

/** Encodes and decodes cursors. */
export interface Cursors {
  /** The cursor of a position. @param scope see `cursorScope` */
  encode(scope: string, position: Position): string;
  /**
   * The position of a cursor.
   * @param argument the name of the cursor's argument, for the error
   * @throws BadUserInput for a text that `encode` did not return for this scope
   */
  decode(scope: string, argument: 'after' | 'before', cursor: string): Position;
}

/** The length of the signature in base64url: 132 bits. */
const MAC_CHARS = 22;
const ID_CHARS = 32;

/**
 * Cursors that are signed with a key of 32 bytes. The key is stored with the data, so that a cursor is valid as long as
 * its list exists. The signature covers the scope: a cursor of another owner, resource, order or filter is refused like
 * a forged one. It is SHA-512/256 of key and text: a truncated hash needs no HMAC against length extension, and takes a
 * third of the time.
 */
export function createCursors(key: Uint8Array): Cursors {
  // All keys have the same length, so that no character can move between key and text.
  const secret = Buffer.from(key).toString('base64');

  function encode(scope: string, position: Position): string {
    const body = position.id + position.key;
    // The body has no U+0000.
    const mac = hash('sha512-256', `${secret}${scope}\0${body}`, 'base64url').slice(0, MAC_CHARS);
    return mac + Buffer.from(body).toString('base64url');
  }

  return {
    encode,
    decode(scope, argument, cursor) {
      const body = Buffer.from(cursor.slice(MAC_CHARS), 'base64url').toString();
      const position = { key: body.slice(ID_CHARS), id: body.slice(0, ID_CHARS) };
      // The whole cursor is compared: base64 has several encodings of the same bytes.
      if (!sameText(encode(scope, position), cursor)) {
        throw new BadUserInput(
          `\`${argument}\` is not a cursor of this list: give one that the same list, filter and order returned.`,
        );
      }
      return position;
    },
  };
}

function sameText(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
}
