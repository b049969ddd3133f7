import type { Json, JsonObject } from '../../src/store/records.ts';

/** Names that JavaScript's own objects have: ordinary owners and ordinary keys. */
export const ODD_NAMES = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'then',
  'toJSON',
  'length',
];

/** An object with one key, whichever that is. */
export function single(key: string, value: Json): JsonObject {
  return Object.fromEntries([[key, value]]);
}

/** An object of so many levels, itself included. */
export function nested(levels: number, innermost: Json = 'scalar'): JsonObject {
  return { a: levels > 1 ? nested(levels - 1, innermost) : innermost };
}

/** An object of so many levels, of which all but the outermost are arrays. */
export function nestedArrays(levels: number): JsonObject {
  let value: Json = [];
  for (let level = 2; level < levels; level++) value = [value];
  return { a: value };
}

/** An object of so many bytes as compact JSON, with one key of one letter. */
export function sized(bytes: number, key = 'a', letter = 'x'): JsonObject {
  const room = bytes - Buffer.byteLength(JSON.stringify(single(key, '')));
  const each = Buffer.byteLength(letter);
  return single(key, letter.repeat(Math.floor(room / each)) + 'x'.repeat(room % each));
}

/** Objects that no store can hold, by what is wrong with them. */
export const UNSTORABLE: readonly (readonly [string, JsonObject])[] = [
  ['U+0000 in a string', { a: 'x\0y' }],
  ['U+0000 in a key', { 'x\0y': 1 }],
  ['U+0000 in a nested string', { a: { b: [['\0']] } }],
  ['U+0000 in a nested key', { a: [{ '\0': 1 }] }],
  ['a lone high surrogate in a string', { a: 'x\ud83d' }],
  ['a lone low surrogate in a string', { a: '\ude00x' }],
  ['surrogates the wrong way round', { a: '\ude00\ud83d' }],
  ['a lone surrogate in a key', { '\ud83d': 1 }],
  ['a lone surrogate in a nested string', { a: [{ b: '\ude00' }] }],
  ['a lone surrogate in a nested key', { a: { b: [{ '\ude00': 1 }] } }],
  ['a number that is too large', { a: JSON.parse('1e999') }],
  ['a number that is too small', { a: JSON.parse('-1e999') }],
  ['a nested number that is too large', { a: [{ b: [1, JSON.parse('1e309')] }] }],
  ['33 levels of objects', nested(33)],
  ['33 levels of arrays', nestedArrays(33)],
  ['10,000 levels', nested(10_000)],
  ['64 KiB and a byte', sized(65_537)],
  ['64 KiB and a byte, in characters of 4 bytes', sized(65_537, 'a', '😀')],
];

/** What a client may send as `metadata.owner`: nothing about it can be wrong. */
export const GARBAGE: readonly (readonly [string, Json])[] = [
  ['another owner', 'bob'],
  ['null', null],
  ['a number', 5],
  ['a boolean', true],
  ['an empty string', ''],
  ['an array', ['bob']],
  ['an object', { owner: 'bob' }],
  ['something too deep', nested(100)],
  ['something too large', 'x'.repeat(100_000)],
  ['U+0000', '\0'],
  ['a lone surrogate', { '\ud800': ['\udc00'] }],
  ['a number beyond a double', JSON.parse('1e999')],
];
