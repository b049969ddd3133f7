import { type GraphQLField, GraphQLID, type GraphQLLeafType, GraphQLString, isEnumType } from 'graphql';

/** Turns what is answered into JSON, as `JSON.stringify` writes it, with a character for each byte of its UTF-8. */
export type Write = (value: unknown) => string;

/**
 * An extension of scalars and fields whose values are strings of letters, digits and other signs of ASCII that JSON has
 * as they are, whatever clients send: they are written without a look at each character.
 */
export const PLAIN_TEXT = 'plainText';

/** How a value is written. */
export interface Written {
  /** Without its quotes, where it is in quotes. */
  readonly write: Write;
  /** Whether it is always a string: its quotes are written with what is around it. */
  readonly inQuotes: boolean;
}

/**
 * An object. Like the function that makes it, the one that writes it is generated: a text is put together from the
 * fewest pieces, and V8 knows the shape of what it reads.
 */
export function writeObject(fields: readonly (Written & { readonly key: string })[]): Write {
  if (fields.length === 0) return () => '{}';
  let before = '{';
  let code = '';
  for (const [index, { key, inQuotes }] of fields.entries()) {
    const quote = inQuotes ? '"' : '';
    code += `${JSON.stringify(`${before}"${key}":${quote}`)} + w${index}(object[${JSON.stringify(key)}]) + `;
    before = `${quote},`;
  }
  code = `
    const [${fields.map((_, index) => `w${index}`).join()}] = writes;
    return (object) => ${code}${JSON.stringify(`${before.slice(0, -1)}}`)};`;
  // Nothing in it was written by a client but the keys, which are names of GraphQL within the quotes of a string.
  // oxlint-disable-next-line no-implied-eval
  const make = new Function('writes', code);
  const made: Write = make(fields.map(({ write }) => write));
  return made;
}

/** What can be null. */
export function writeNullable(written: Written): Written {
  const write = withQuotes(written);
  return { write: (value) => (value === null ? 'null' : write(value)), inQuotes: false };
}

/** A list. @param item how its items are written */
export function writeList(item: Written): Written {
  const writeItem = withQuotes(item);
  function write(list: unknown): string {
    if (!Array.isArray(list)) return writeAny(list);
    let text = '[';
    for (let index = 0; index < list.length; index++) {
      text += index === 0 ? writeItem(list[index]) : `,${writeItem(list[index])}`;
    }
    return `${text}]`;
  }
  return { write, inQuotes: false };
}

/** A scalar or a value of an enumeration. @param field whose value it is */
export function writeLeaf(type: GraphQLLeafType, field: GraphQLField<unknown, unknown> | undefined): Written {
  const isPlain = [type, field].some((one) => one?.extensions[PLAIN_TEXT] === true);
  if (isPlain || isEnumType(type)) return { write: String, inQuotes: true };
  if (type === GraphQLString || type === GraphQLID) return { write: writeText, inQuotes: true };
  return { write: writeAny, inQuotes: false };
}

function withQuotes({ write, inQuotes }: Written): Write {
  return inQuotes ? (value) => `"${write(value)}"` : write;
}

/** Anything. */
export function writeAny(value: unknown): string {
  if (typeof value === 'string') return `"${writeText(value)}"`;
  const text = JSON.stringify(value);
  return Buffer.byteLength(text) === text.length ? text : bytesOf(text);
}

function writeText(value: unknown): string {
  const text = String(value);
  return PLAIN.test(text) ? text : bytesOf(JSON.stringify(text).slice(1, -1));
}

function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** What JSON has as it is (https://tc39.es/ecma262/#sec-quotejsonstring), and UTF-8 in one byte. */
const PLAIN = /^[ !#-[\]-~]*$/;
