import { getOperationAST, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { type NumberedKeys, numberKeys, putKeys, splitAtKeys } from '../../../src/graphql/numbered-keys.ts';

function numbered(text: string, operationName?: string): NumberedKeys {
  const document = parse(text);
  const operation = getOperationAST(document, operationName);
  if (operation == null) throw new TypeError('There is no such operation.');
  return numberKeys(document, operation);
}

describe('an operation with numbers as its response keys', () => {
  it.each([
    ['aliases', '{ threads { nodes { id } } }', '{ a: threads { b: nodes { c: id } } }'],
    ['name', 'query A { threads { totalCount } }', 'query B { threads { totalCount } }'],
    ['white space and comments', '{ threads { totalCount } }', '{threads{ # how many\n totalCount}}'],
    [
      'aliases in fragments',
      '{ threads { ...F } } fragment F on ThreadConnection { totalCount }',
      '{ a: threads { ...F } } fragment F on ThreadConnection { b: totalCount }',
    ],
  ])('should be the same where only the %s differ', (_what, one, other) => {
    expect(numbered(one).text).toBe(numbered(other).text);
  });

  it.each([
    ['fields', '{ thread { id } }', '{ thread { status } }'],
    ['order', '{ thread { id status } }', '{ thread { status id } }'],
    ['arguments', '{ thread(id: "1") { id } }', '{ thread(id: "2") { id } }'],
    ['variables', 'query($a: ID!) { thread(id: $a) { id } }', 'query($b: ID!) { thread(id: $b) { id } }'],
    ['directives', '{ thread { id @skip(if: true) } }', '{ thread { id } }'],
    ['keys that are there twice', '{ thread { a: id a: id } }', '{ thread { a: id b: id } }'],
  ])('should differ where the %s differ', (_what, one, other) => {
    expect(numbered(one).text).not.toBe(numbered(other).text);
  });

  it('should have each key once, in the order of the document', () => {
    const { keys } = numbered('{ b: thread { id a: status ...F } } fragment F on Thread { b: id metadata }');
    expect(keys).toEqual(['b', 'id', 'a', 'metadata']);
  });

  it('should be that of one of several operations', () => {
    const text = 'query A { thread { id } } query B { threads { totalCount } }';
    expect(numbered(text, 'B').text).toBe(numbered('{ threads { totalCount } }').text);
  });
});

describe('data with numbers as keys', () => {
  const mark = '\u0001';

  it('should get the keys of a document', () => {
    const data = `{"${mark}1${mark}":[{"${mark}0${mark}":"0"},null],"${mark}10${mark}":{}}`;
    const split = splitAtKeys(data);
    if (split === null) throw new TypeError('It has no escaped mark.');
    const keys = ['a', 'b', ...Array.from({ length: 9 }, (_, index) => `c${index}`)];
    expect(putKeys(split, keys)).toBe('{"b":[{"a":"0"},null],"c8":{}}');
  });

  it('should be null where it has the mark as a client has stored it', () => {
    expect(splitAtKeys(`{"${mark}0${mark}":${JSON.stringify(mark)}}`)).toBeNull();
  });
});
