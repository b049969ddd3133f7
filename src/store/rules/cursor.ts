import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import { BadUserInput } from '../bad-user-input.ts';
import type { Position } from './order.ts';

/** Makes and reads the cursors of lists. */
export interface Cursors {
  /** The cursor of a position in a list. */
  encode(list: string, position: Position): string;
  /** The position that a cursor of this very list stands for. Throws `BadUserInput` for any other text. */
  decode(list: string, argument: 'after' | 'before', cursor: string): Position;
}

const MAC_CHARS = 22;
const ID_CHARS = 32;

/**
 * Cursors signed with a key (32 bytes), which belongs to the stored data: a cursor is good for as long as its list
 * is. The list's name goes into the signature, so a cursor of another owner, order, type or filter is as good as a
 * made-up one.
 */
export function createCursors(key: Uint8Array): Cursors {
  const secret = createSecretKey(key);

  function encode(list: string, position: Position): string {
    const body = position.id + position.key;
    // 128 bits of HMAC-SHA-256. Neither part can hold the U+0000 between them.
    const mac = createHmac('sha256', secret).update(`${list}\0${body}`).digest().subarray(0, 16);
    return mac.toString('base64url') + Buffer.from(body).toString('base64url');
  }

  return {
    encode,
    decode(list, argument, cursor) {
      const body = Buffer.from(cursor.slice(MAC_CHARS), 'base64url').toString();
      const position = { key: body.slice(ID_CHARS), id: body.slice(0, ID_CHARS) };
      // Compared as a whole: base64 has several spellings of the same bytes.
      if (!sameText(encode(list, position), cursor)) {
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
