import { type DocumentNode, type FieldNode, Kind, type OperationDefinitionNode, print, visit } from 'graphql';

/** An operation with numbers in place of its response keys. */
export interface NumberedKeys {
  readonly document: DocumentNode;
  readonly node: OperationDefinitionNode;
  /** The response keys that the numbers stand for. */
  readonly keys: readonly string[];
  /** The document as text: the same for all operations that differ only in name, aliases and white space. */
  readonly text: string;
}

/** Puts numbers in place of the response keys of a valid operation, in the order of their first appearance. */
export function numberKeys(document: DocumentNode, operation: OperationDefinitionNode): NumberedKeys {
  const numbers = new Map<string, number>();
  const { name: _, ...anonymous } = operation;
  const node = visit<OperationDefinitionNode>(anonymous, { Field: { enter: withNumber } });
  const fragments = document.definitions
    .filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION)
    .map((fragment) => visit(fragment, { Field: { enter: withNumber } }));
  const numbered = { ...document, definitions: [node, ...fragments] };
  return { document: numbered, node, keys: [...numbers.keys()], text: print(numbered) };

  function withNumber(field: FieldNode): FieldNode {
    const key = (field.alias ?? field.name).value;
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    return { ...field, alias: { kind: Kind.NAME, value: `${MARK}${number}${MARK}` } };
  }
}

/** The serialized data of an operation with numbers as keys, split at these. */
export interface SplitData {
  readonly start: string;
  readonly rest: readonly { readonly key: number; readonly after: string }[];
}

/**
 * Splits serialized data at its keys. Null where stored text contains the delimiter, so that keys cannot be recognized.
 */
export function splitAtKeys(data: string): SplitData | null {
  // `JSON.stringify`, which serializes objects of abstract types, escapes the mark.
  if (data.includes(ESCAPED_MARK)) return null;
  const [start = '', ...others] = data.split(MARK);
  const rest = [];
  for (let i = 0; i < others.length; i += 2) {
    rest.push({ key: Number(others[i]), after: others[i + 1] ?? '' });
  }
  return { start, rest };
}

/** The data with the response keys of an operation in place of the numbers. */
export function putKeys({ start, rest }: SplitData, keys: readonly string[]): string {
  let data = start;
  for (const { key, after } of rest) data += `${keys[key]}${after}`;
  return data;
}

/** The delimiter around a number: a character that JSON contains only escaped. */
const MARK = '\u0001';
const ESCAPED_MARK = '\\u0001';
