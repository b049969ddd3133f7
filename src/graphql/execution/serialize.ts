import { type GraphQLField, GraphQLID, type GraphQLLeafType, GraphQLString, isEnumType } from 'graphql';
import { PLAIN_TEXT } from '../../lib/field-extensions.ts';
import { StoredJson } from '../../lib/stored-json.ts';

/**
 * Serializes a value as JSON, as `JSON.stringify` does, with one character for each byte of its UTF-8.
 * Adds what it has serialized to `size`.
 */
export type Serialize = (value: unknown, size: SerializedSize) => string;

/** How much of a response has been serialized so far. */
export interface SerializedSize {
  /** Bytes of lists and of JSON values: all else of a response is short. */
  bytes: number;
  /** The largest accepted number of bytes. */
  readonly limit: number;
}

/** Thrown by a `Serialize` as soon as the response is longer than its limit. */
export class ResponseTooLarge extends Error {}

/** How a value is serialized. */
export interface Serializer {
  /** Without the quotes, where `inQuotes` is true. */
  readonly serialize: Serialize;
  /** Whether the value is always a string: the surrounding code adds the quotes. */
  readonly inQuotes: boolean;
}

/** A field of an object to serialize. */
type KeyedSerializer = Serializer & { readonly key: string };

/** How many objects are serialized by a loop before a function is generated for their type. */
const INTERPRETED = 100;

/** Serializes an object. After some calls a generated function does it, which concatenates the fewest pieces. */
export function serializeObject(fields: readonly KeyedSerializer[]): Serialize {
  if (fields.length === 0) return () => '{}';
  let generated: Serialize | null = null;
  let calls = 0;
  return (object, size) => {
    if (generated !== null) return generated(object, size);
    if (++calls > INTERPRETED) generated = generateObject(fields);
    let text = '';
    for (const { key, serialize, inQuotes } of fields) {
      const quote = inQuotes ? '"' : '';
      const value: unknown = Reflect.get(Object(object), key);
      text += `${text === '' ? '{' : ','}"${key}":${quote}${serialize(value, size)}${quote}`;
    }
    return `${text}}`;
  };
}

function generateObject(fields: readonly KeyedSerializer[]): Serialize {
  let before = '{';
  let code = '';
  for (const [index, { key, inQuotes }] of fields.entries()) {
    const quote = inQuotes ? '"' : '';
    code += `${JSON.stringify(`${before}"${key}":${quote}`)} + s${index}(object[${JSON.stringify(key)}], size) + `;
    before = `${quote},`;
  }
  code = `
    const [${fields.map((_, index) => `s${index}`).join()}] = serializers;
    return (object, size) => ${code}${JSON.stringify(`${before.slice(0, -1)}}`)};`;
  // The only text of the client in it are response keys: GraphQL names, inside string literals.
  // oxlint-disable-next-line no-implied-eval
  const make = new Function('serializers', code);
  const made: Serialize = make(fields.map(({ serialize }) => serialize));
  return made;
}

/** Serializes a nullable value. */
export function serializeNullable(serializer: Serializer): Serializer {
  const serialize = withQuotes(serializer);
  return { serialize: (value, size) => (value === null ? 'null' : serialize(value, size)), inQuotes: false };
}

/** Serializes a list. @param item how its items are serialized */
export function serializeList(item: Serializer): Serializer {
  const serializeItem = withQuotes(item);
  function serialize(list: unknown, size: SerializedSize): string {
    if (!Array.isArray(list)) return serializeAny(list, size);
    let text = '[';
    for (let index = 0; index < list.length; index++) {
      const before = size.bytes;
      const one = serializeItem(list[index], size);
      // The item's own lists and leaves have been added already, and are part of its length.
      size.bytes = before;
      addSize(size, one.length + 1);
      text += index === 0 ? one : `,${one}`;
    }
    return `${text}]`;
  }
  return { serialize, inQuotes: false };
}

/** Serializes a scalar or an enum value. @param field the field that it is the value of */
export function serializeLeaf(
  type: GraphQLLeafType,
  field: GraphQLField<unknown, unknown> | undefined,
): Serializer {
  const isPlain = [type, field].some((one) => one?.extensions[PLAIN_TEXT] === true);
  if (isPlain || isEnumType(type)) return { serialize: (value) => String(value), inQuotes: true };
  if (type === GraphQLString || type === GraphQLID) return { serialize: serializeText, inQuotes: true };
  return { serialize: serializeAny, inQuotes: false };
}

function withQuotes({ serialize, inQuotes }: Serializer): Serialize {
  return inQuotes ? (value, size) => `"${serialize(value, size)}"` : serialize;
}

/** Serializes any value: stored JSON as it is, all else by `JSON.stringify`. */
export function serializeAny(value: unknown, size: SerializedSize): string {
  const text = toBytes(value instanceof StoredJson ? value.text : JSON.stringify(value));
  addSize(size, text.length);
  return text;
}

function serializeText(value: unknown): string {
  const text = String(value);
  return PLAIN.test(text) ? text : toBytes(JSON.stringify(text).slice(1, -1));
}

function addSize(size: SerializedSize, bytes: number): void {
  size.bytes += bytes;
  if (size.bytes > size.limit) throw new ResponseTooLarge();
}

/** A text with one character for each byte of its UTF-8. */
export function toBytes(text: string): string {
  return Buffer.byteLength(text) === text.length ? text : Buffer.from(text).toString('latin1');
}

/** What JSON has unescaped (https://tc39.es/ecma262/#sec-quotejsonstring), and UTF-8 in one byte. */
const PLAIN = /^[ !#-[\]-~]*$/;
