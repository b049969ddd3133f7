import { type GraphQLField, GraphQLID, type GraphQLLeafType, GraphQLString, isEnumType } from 'graphql';

/** Turns what is answered into JSON, as `JSON.stringify` writes it, with a character for each byte of its UTF-8. */
export type Write = (value: unknown) => string;

/**
 * An extension of scalars and fields whose values are strings of letters, digits and other signs of ASCII that JSON has
 * as they are, whatever clients send: they are written without a look at each character.
 */
export const PLAIN_TEXT = 'plainText';

/** What is written of an object of an answer. */
export interface Written {
  /** Its name in the answer. */
  readonly key: string;
  readonly write: Write;
  /** The same without the quotes, for what is always a string; null for all else. */
  readonly inner: Write | null;
}

/**
 * An object. Like the function that makes it, the one that writes it is generated: a text is put together from the
 * fewest pieces, and V8 knows the shape of what it reads.
 */
export function writeObject(fields: readonly Written[]): Write {
  if (fields.length === 0) return () => '{}';
  let before = '{';
  let code = '';
  for (const [index, { key, inner }] of fields.entries()) {
    const quote = inner === null ? '' : '"';
    code += `${JSON.stringify(`${before}"${key}":${quote}`)} + w${index}(object[${JSON.stringify(key)}]) + `;
    before = `${quote},`;
  }
  code = `
    const [${fields.map((_, index) => `w${index}`).join()}] = writes;
    return (object) => ${code}${JSON.stringify(`${before.slice(0, -1)}}`)};`;
  // Nothing in it was written by a client but the keys, which are names of GraphQL within the quotes of a string.
  // oxlint-disable-next-line no-implied-eval
  const make = new Function('writes', code);
  const made: Write = make(fields.map(({ write, inner }) => inner ?? write));
  return made;
}

/** What can be null. */
export function writeNullable(write: Write): Write {
  return (value) => (value === null ? 'null' : write(value));
}

/** A list. @param item how its items are written */
export function writeList(item: Write): Write {
  return (list) => {
    if (!Array.isArray(list)) return writeAny(list);
    let text = '[';
    for (let index = 0; index < list.length; index++) {
      text += index === 0 ? item(list[index]) : `,${item(list[index])}`;
    }
    return `${text}]`;
  };
}

/** A scalar or a value of an enumeration: `inner` is null for what is not always a string. */
export function writeLeaf(
  type: GraphQLLeafType,
  field: GraphQLField<unknown, unknown> | undefined,
): Pick<Written, 'write' | 'inner'> {
  const isPlain =
    isEnumType(type) || PLAIN_TEXT in type.extensions || (field && PLAIN_TEXT in field.extensions);
  const inner = isPlain ? String : type === GraphQLString || type === GraphQLID ? writeInner : null;
  return { inner, write: inner === null ? writeAny : (value) => `"${inner(value)}"` };
}

/** Anything. */
export function writeAny(value: unknown): string {
  if (typeof value === 'string') return `"${writeInner(value)}"`;
  const text = JSON.stringify(value);
  return Buffer.byteLength(text) === text.length ? text : bytesOf(text);
}

function writeInner(value: unknown): string {
  const text = String(value);
  return PLAIN.test(text) ? text : bytesOf(JSON.stringify(text).slice(1, -1));
}

function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** What JSON has as it is (https://tc39.es/ecma262/#sec-quotejsonstring), and UTF-8 in one byte. */
const PLAIN = /^[ !#-[\]-~]*$/;
