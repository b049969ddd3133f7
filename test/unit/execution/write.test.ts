import * as fc from 'fast-check';
import { buildSchema, getOperationAST, isInterfaceType, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { compile } from '../../../src/graphql/execution/compile.ts';

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

function writerOf(source: string) {
  const document = parse(source);
  const operation = getOperationAST(document);
  const compiled = operation && compile(schema, document, operation, {});
  if (compiled == null) throw new Error('This is to be compiled.');
  return compiled.write;
}

function bytesOf(answer: object): string {
  return Buffer.from(JSON.stringify(answer)).toString('latin1');
}

describe('what is written of an answer', () => {
  it('should be the UTF-8 of what JSON.stringify writes, a character for each byte', () => {
    const write = writerOf(ALL);
    fc.assert(
      fc.property(data, (answer) => {
        expect(write(answer)).toBe(bytesOf(answer));
      }),
      { numRuns: 300 },
    );
  });

  it.each(['"', '\\', '\n', '\u0000', '\u001f', '\u007f', '\u0080', 'ÿ', '\u2028', '\ud800', '😀'])(
    'should be that of a text around %j',
    (character) => {
      const answer = { things: [{ title: `a${character}b` }] };
      expect(writerOf('{ things { title } }')(answer)).toBe(bytesOf(answer));
    },
  );
});
