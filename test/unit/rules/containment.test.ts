import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BadUserInput } from '../../../src/store/bad-user-input.ts';
import type { Json } from '../../../src/store/records.ts';
import { canMatch, contains } from '../../../src/store/rules/containment.ts';
import { ODD_NAMES, single, UNSTORABLE } from '../../support/json-samples.ts';

describe('containment', () => {
  it.each<[string, string, boolean]>([
    // From PostgreSQL's own documentation; a bare scalar in an array is an exception for the top level alone.
    ['{"a": [1, 2, 3]}', '{"a": [1, 3]}', true],
    ['{"a": [1, 2, 3]}', '{"a": [3, 1]}', true],
    ['{"a": [1, 2, 3]}', '{"a": [1, 2, 2]}', true],
    ['{"product": "PostgreSQL", "version": 9.4, "jsonb": true}', '{"version": 9.4}', true],
    ['{"a": [1, 2, [1, 3]]}', '{"a": [1, 3]}', false],
    ['{"a": [1, 2, [1, 3]]}', '{"a": [[1, 3]]}', true],
    ['{"foo": {"bar": "baz"}}', '{"bar": "baz"}', false],
    ['{"foo": {"bar": "baz"}}', '{"foo": {}}', true],
    ['{"a": ["foo", "bar"]}', '{"a": "bar"}', false],
    ['{"a": "bar"}', '{"a": ["bar"]}', false],
    // Scalars by type and value.
    ['{"a": 1}', '{"a": 1.0}', true],
    ['{"a": 100}', '{"a": 1e2}', true],
    ['{"a": 0}', '{"a": -0.0}', true],
    ['{"a": [0]}', '{"a": [-0.0]}', true],
    ['{"a": 1}', '{"a": "1"}', false],
    ['{"a": true}', '{"a": "true"}', false],
    ['{"a": true}', '{"a": 1}', false],
    ['{"a": false}', '{"a": null}', false],
    ['{"a": null}', '{"a": null}', true],
    ['{}', '{"a": null}', false],
    ['{"a": null}', '{}', true],
    ['{"a": ""}', '{"a": null}', false],
    ['{"a": "é"}', '{"a": "e\\u0301"}', false],
    // Empty objects and arrays.
    ['{}', '{}', true],
    ['{"a": {}}', '{"a": []}', false],
    ['{"a": []}', '{"a": {}}', false],
    ['{"a": 1}', '{"a": {}}', false],
    ['{"a": 1}', '{"a": []}', false],
    ['{"a": null}', '{"a": {}}', false],
    ['{"a": [1]}', '{"a": []}', true],
    ['{"a": []}', '{"a": [null]}', false],
    ['{"a": [[]]}', '{"a": [[]]}', true],
    ['{"a": []}', '{"a": [[]]}', false],
    ['{"a": [{}]}', '{"a": [[]]}', false],
    ['{"a": [1]}', '{"a": [{}]}', false],
    // Arrays as sets, with duplicates on either side, and objects in them in part.
    ['{"a": [1]}', '{"a": [1, 1, 1]}', true],
    ['{"a": [1, 1]}', '{"a": [1]}', true],
    ['{"a": [{"b": 1, "c": 2}]}', '{"a": [{"b": 1}, {"c": 2}]}', true],
    ['{"a": [{"b": 1}, {"c": 2}]}', '{"a": [{"b": 1, "c": 2}]}', false],
    ['{"a": [[1, 2], [3]]}', '{"a": [[3], [1]]}', true],
    ['{"a": [[1, 2], [3]]}', '{"a": [[1, 3]]}', false],
    ['{"a": [1, [2, [3]]]}', '{"a": [[[3]]]}', true],
    ['{"a": [1, [2, [3]]]}', '{"a": [[3]]}', false],
    ['{"a": [[]]}', '{"a": [[[]]]}', false],
    // Objects key by key, all the way down.
    ['{"a": {"b": {"c": 1, "d": 2}, "e": 3}}', '{"a": {"b": {"d": 2}}}', true],
    ['{"a": {"b": {"c": 1}}}', '{"a": {"c": 1}}', false],
    ['{"a": 1, "b": 2}', '{"a": 1, "c": 2}', false],
    ['{"0": 1}', '{"0": 1}', true],
    ['{"a": {"0": 1}}', '{"a": [1]}', false],
    ['{"a": [1]}', '{"a": {"0": 1}}', false],
    ['{"a": ["x"]}', '{"a": {"length": 1}}', false],
    // More scalars than are compared one by one.
    ['{"a": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}', '{"a": [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, -0.0]}', true],
    ['{"a": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}', '{"a": [1, 2, 3, 4, 5, 6, 7, 8, 9, "10"]}', false],
    ['{"a": [1, 2, 3, 4, 5, 6, 7, 8, 9, [10]]}', '{"a": [9, 8, 7, 6, 5, 4, 3, 2, 1, []]}', true],
  ])('should say of %s and %s: %j', (whole, part, expected) => {
    expect(contains(parse(whole), parse(part))).toBe(expected);
  });

  it.each(ODD_NAMES)('should look for the key %s in the data alone', (name) => {
    expect(contains({}, single(name, {}))).toBe(false);
    expect(contains({ a: {} }, { a: single(name, {}) })).toBe(false);
    expect(contains({ a: [1] }, { a: single(name, 1) })).toBe(false);
    expect(contains(single(name, 1), single(name, 1))).toBe(true);
    expect(contains(single(name, 1), single(name, 2))).toBe(false);
    expect(contains({ a: [single(name, null)] }, { a: [single(name, null)] })).toBe(true);
  });

  it('should hold of a value and itself, and of a value and its parts', () =>
    fc.assert(
      fc.property(objects, (value) => {
        const whole = parse(JSON.stringify(value));
        expect(contains(whole, whole)).toBe(true);
        expect(contains({ a: [whole], b: whole }, { b: whole, a: [whole, whole] })).toBe(true);
        for (const [key, item] of Object.entries(Object(whole))) {
          expect(contains(whole, single(key, parse(JSON.stringify(item))))).toBe(true);
        }
      }),
    ));

  it('should go on from part to part', () =>
    fc.assert(
      fc.property(objects, objects, objects, (a, b, c) => {
        const [x, y, z] = [a, b, c].map((value) => parse(JSON.stringify(value)));
        if (x === undefined || y === undefined || z === undefined) return;
        expect(contains(x, z) || !(contains(x, y) && contains(y, z))).toBe(true);
      }),
      { numRuns: 1_000 },
    ));
});

describe('a containment that takes very many comparisons', () => {
  it.each([
    [{ a: range(6_000).map((x) => ({ x })) }, { a: range(6_000).map((x) => ({ x: 5_999 - x })) }],
    [{ a: range(7_000).map((x) => [[x]]) }, { a: range(7_000).map((x) => [[6_999 - x]]) }],
    [{ a: [...range(6_000).map(() => []), range(6_000)] }, { a: range(600).map(() => range(20)) }],
  ])('should be refused rather than hold up everybody', (whole, part) => {
    expect(() => contains(whole, part)).toThrow(BadUserInput);
  });

  it('should be possible for lists of scalars of any length, and for lists of objects that people write', () => {
    expect(contains({ a: range(12_000) }, { a: range(12_000).toReversed() })).toBe(true);
    const objects = range(200).map((x) => ({ x }));
    expect(contains({ a: objects }, { a: objects.toReversed() })).toBe(true);
  });
});

describe('a metadata filter', () => {
  it.each(UNSTORABLE)('should match nothing when no store can hold it: %s', (_, filter) => {
    expect(canMatch(filter)).toBe(false);
    expect(canMatch({ ...filter, owner: 'alice' })).toBe(false);
  });

  it('should be able to match the owner, which is left out of the limits, as a text alone', () => {
    expect(canMatch({})).toBe(true);
    expect(canMatch({ owner: 'alice' })).toBe(true);
    expect(canMatch({ owner: ['alice'] })).toBe(false);
    expect(canMatch({ owner: 1 })).toBe(false);
  });
});

const objects = fc.dictionary(
  fc.constantFrom('a', 'b', '__proto__'),
  fc.letrec((tie) => ({
    json: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(0, 1, '1', null, true),
      fc.array(tie('json'), { maxLength: 3 }),
      tie('object'),
    ),
    object: fc.dictionary(fc.constantFrom('a', 'b'), tie('json'), { maxKeys: 2 }),
  })).json,
  { maxKeys: 3 },
);

function parse(text: string): Json {
  return JSON.parse(text);
}

function range(length: number): readonly number[] {
  return Array.from({ length }, (_, index) => index);
}
