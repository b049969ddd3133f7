import * as fc from 'fast-check';
import { buildSchema, getOperationAST, isInterfaceType, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { compile } from '../../../src/graphql/execution/compile.ts';
import { ResponseTooLarge } from '../../../src/graphql/execution/serialize.ts';
import { StoredJson } from '../../../src/lib/stored-json.ts';

const schema = buildSchema(`
  enum Kind { LEFT RIGHT }
  scalar Any
  interface Named { name: String }
  type Thing implements Named {
    id: ID!, name: String, title: String!, kind: Kind!, kinds: [Kind], flag: Boolean!, maybe: Boolean
    whole: Int!, real: Float, any: Any, some: Any!, texts: [String!]!, grid: [[Float]!], inner: Thing, things: [Thing!]!
    named: Named
  }
  type Query { thing: Thing, things: [Thing]! }
`);
const named = schema.getType('Named');
if (isInterfaceType(named)) named.resolveType = () => 'Thing';
const LEAVES =
  '__typename id name title kind kinds flag maybe whole real any some texts grid constructor: title named { name }';
const ALL = `{
  thing { ${LEAVES} inner { ${LEAVES} } things { id } }
  things { toString: title }
}`;

/** Text of any UTF-16, of which a half is plain. */
const text = fc.oneof(
  fc.string(),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((codes) => String.fromCharCode(...codes)),
  fc.string({ unit: 'grapheme' }),
);
const kind = fc.constantFrom('LEFT', 'RIGHT');
const real = fc.double({ noNaN: true, noDefaultInfinity: true });
const leaves = {
  __typename: fc.constant('Thing'),
  id: text,
  name: fc.option(text),
  title: text,
  kind,
  kinds: fc.option(fc.array(fc.option(kind))),
  flag: fc.boolean(),
  maybe: fc.option(fc.boolean()),
  whole: fc.integer(),
  real: fc.option(real),
  any: fc.option(fc.jsonValue({ stringUnit: 'binary' })),
  some: fc.oneof(text, fc.dictionary(text, fc.jsonValue())),
  texts: fc.array(text),
  grid: fc.option(fc.array(fc.array(fc.option(real)))),
  constructor: text,
  named: fc.option(fc.record({ name: fc.option(text) }, { noNullPrototype: true })),
};
const thing = fc.record(
  {
    ...leaves,
    inner: fc.option(fc.record(leaves, { noNullPrototype: true })),
    things: fc.array(fc.record({ id: text }, { noNullPrototype: true })),
  },
  { noNullPrototype: true },
);
const data = fc.record(
  { thing: fc.option(thing), things: fc.array(fc.option(fc.record({ toString: text }))) },
  { noNullPrototype: true },
);

/** Serializes the data of a document, within a limit in bytes. */
function serializerOf(source: string): (value: object, limit?: number) => { json: string; bytes: number } {
  const document = parse(source);
  const operation = getOperationAST(document);
  const compiled = operation && compile(schema, document, operation, {});
  if (compiled == null) throw new TypeError('This can be compiled.');
  return (value, limit = Number.MAX_SAFE_INTEGER) => {
    const size = { bytes: 0, limit };
    return { json: compiled.serialize(value, size), bytes: size.bytes };
  };
}

function bytesOf(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('latin1');
}

describe('serialized data', () => {
  it('should be the UTF-8 of what JSON.stringify returns, with a character for each byte', () => {
    const serialize = serializerOf(ALL);
    fc.assert(
      fc.property(data, (value) => {
        expect(serialize(value).json).toBe(bytesOf(value));
      }),
      { numRuns: 300 },
    );
  });

  it.each(['"', '\\', '\n', '\u0000', '\u001f', '\u007f', '\u0080', 'ÿ', '\u2028', '\ud800', '😀'])(
    'should have the escapes of JSON.stringify: %j',
    (character) => {
      const value = { things: [{ title: `a${character}b` }] };
      const serialize = serializerOf('{ things { title } }');
      // By a loop at first, then by a generated function.
      for (let call = 0; call < 150; call++) expect(serialize(value).json).toBe(bytesOf(value));
    },
  );
});

describe('stored JSON', () => {
  it('should be serialized and counted as the object that it is the JSON of, and not be parsed', () => {
    class Unread extends StoredJson {
      override toJSON(): unknown {
        throw new Error('This should not be read.');
      }
    }
    const serialize = serializerOf('{ things { any } }');
    fc.assert(
      fc.property(fc.dictionary(text, fc.jsonValue({ stringUnit: 'binary' })), (object) => {
        const stored = { things: [{ any: new Unread(JSON.stringify(object)) }] };
        expect(serialize(stored)).toStrictEqual(serialize({ things: [{ any: object }] }));
      }),
      { numRuns: 200 },
    );
  });
});

describe('the limit of serialized data', () => {
  it('should be reached by what was counted, which is at most what was serialized', () => {
    const serialize = serializerOf(ALL);
    fc.assert(
      fc.property(data, (value) => {
        const { json, bytes } = serialize(value);
        expect(bytes).toBeLessThanOrEqual(json.length);
        expect(serialize(value, bytes).json).toBe(json);
        fc.pre(bytes > 0);
        expect(() => serialize(value, bytes - 1)).toThrow(ResponseTooLarge);
      }),
      { numRuns: 100 },
    );
  });

  it.each<[string, string, object]>([
    ['a list of objects', '{ things { title } }', { things: [{ title: 'a' }, { title: 'ü"' }, null] }],
    ['a list of texts', '{ thing { texts } }', { thing: { texts: ['a', '', '😀'] } }],
    ['a list of lists', '{ thing { grid } }', { thing: { grid: [[1, null], [], [-0.5]] } }],
    [
      'lists in objects in a list',
      '{ things { texts grid } }',
      {
        things: [
          { texts: ['a'], grid: [[1]] },
          { texts: [], grid: null },
        ],
      },
    ],
    ['JSON values in a list', '{ things { any } }', { things: [{ any: { a: ['ü'] } }, { any: null }] }],
  ])('should count each byte once of %s', (_kind, source, value) => {
    const { json, bytes } = serializerOf(source)(value);
    // An item is counted with the comma or bracket that follows it: all but the bracket that the list begins with.
    const list = json.slice(json.indexOf('['), json.lastIndexOf(']') + 1);
    expect(bytes).toBe(list.length - 1);
  });

  it('should count a JSON value outside of lists', () => {
    expect(serializerOf('{ thing { any } }')({ thing: { any: { a: 'ü' } } }).bytes).toBe(
      Buffer.byteLength('{"a":"ü"}'),
    );
  });

  it('should stop at once where it is passed', () => {
    const unread = {
      toJSON() {
        throw new Error('This should not be read.');
      },
    };
    const things = [{ any: 'x'.repeat(100) }, { any: unread }];
    expect(() => serializerOf('{ things { any } }')({ things }, 100)).toThrow(ResponseTooLarge);
  });

  it('should not count for the next response', () => {
    const serialize = serializerOf('{ things { title } }');
    const value = { things: [{ title: 'a' }] };
    for (let call = 0; call < 300; call++) expect(serialize(value, 20).bytes).toBe('{"title":"a"}]'.length);
  });
});
