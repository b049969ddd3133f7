import * as fc from 'fast-check';
import {
  buildSchema,
  getVariableValues,
  type GraphQLInputType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  Kind,
  type OperationDefinitionNode,
  parse,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { variableCompiler } from '../../../src/graphql/execution/variables.ts';
import { schema } from '../../../src/schema/schema.ts';
import { cases } from '../../support/random.ts';

/** What ours has none of. */
const odd = buildSchema(`
  input Odd { count: Int! = 3, grid: [[Float!]]!, inner: Odd, kind: Kind = LEFT, kinds: [Kind!]! = [LEFT, RIGHT] }
  enum Kind { LEFT RIGHT }
  type Query { odd(odd: Odd): Int }
`);
const MAX_ITEMS = 3;
const CASES = cases({ some: 400, all: 3_000 });

/** Values that a type takes for the most part. */
function valueOf(type: GraphQLInputType, depth = 0): fc.Arbitrary<unknown> {
  if (isNonNullType(type)) return valueOf(type.ofType, depth);
  return fc.oneof(
    { weight: 25, arbitrary: rightFor(type, depth) },
    { weight: 1, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
  );
}

function rightFor(type: GraphQLInputType, depth: number): fc.Arbitrary<unknown> {
  if (isListType(type)) return fc.array(valueOf(type.ofType, depth), { maxLength: MAX_ITEMS + 1 });
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields()).filter((field) => depth < 2 || field.type !== type);
    const given = fc.record(
      Object.fromEntries(fields.map((field) => [field.name, valueOf(field.type, depth + 1)])),
      { requiredKeys: fields.filter((field) => isNonNullType(field.type)).map(({ name }) => name) },
    );
    const more = fc.oneof({ weight: 25, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: fc.object() });
    return fc.tuple(more, given).map(([other, known]) => ({ ...other, ...known }));
  }
  if (isEnumType(type)) return fc.constantFrom(...type.getValues().map(({ name }) => name));
  switch (String(type)) {
    case 'Int':
      return fc.oneof({ weight: 20, arbitrary: fc.integer() }, fc.constantFrom(0.5, 2 ** 31));
    case 'Float':
      return fc.double({ noNaN: true, noDefaultInfinity: true });
    case 'Boolean':
      return fc.boolean();
    case 'JSONObject':
      return fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 1 }));
    default:
      return fc.string();
  }
}

function operationOf(query: string): OperationDefinitionNode {
  const [definition] = parse(query).definitions;
  if (definition?.kind !== Kind.OPERATION_DEFINITION) throw new TypeError(`Not an operation: ${query}`);
  return definition;
}

/** How many of the values that graphql-js takes were read, of how many. */
function compare(of: GraphQLSchema): { readonly taken: number; readonly read: number } {
  const types = Object.values(of.getTypeMap()).filter((type) => isInputType(type));
  const declared = fc.constantFrom(...types).chain((type) =>
    fc.record({
      form: fc
        .constantFrom('T', 'T!', '[T!]', 'T = null', 'T! = 1')
        .map((text) => text.replace('T', type.name)),
      given: fc.oneof(
        { weight: 8, arbitrary: fc.record({ v: valueOf(type) }) },
        { weight: 2, arbitrary: fc.record({ v: fc.array(valueOf(type), { maxLength: MAX_ITEMS }) }) },
        { weight: 1, arbitrary: fc.constant({}) },
        { weight: 1, arbitrary: fc.constant({ v: null, other: [] }) },
      ),
    }),
  );
  const seen = { taken: 0, read: 0 };
  fc.assert(
    fc.property(declared, ({ form, given }) => {
      const operation = operationOf(`query($v: ${form}) { __typename }`);
      const { coerced } = getVariableValues(of, operation.variableDefinitions ?? [], given);
      const read = variableCompiler(of, MAX_ITEMS)(operation)(given);
      if (coerced !== undefined) seen.taken++;
      if (read === null) return;
      seen.read++;
      expect(read).toEqual(coerced);
      expect(Object.keys(read)).toEqual(Object.keys(coerced ?? {}));
    }),
    { numRuns: CASES },
  );
  return seen;
}

describe('what is read of variables', () => {
  it.each([
    ['our schema', schema],
    ['a schema with all that there is', odd],
  ])('should be what graphql-js reads, or nothing: %s', (_, of) => {
    const { taken, read } = compare(of);
    // About 0.7 and 0.8 whatever the seed. Otherwise nothing much was compared.
    expect(taken).toBeGreaterThan(0.5 * CASES);
    expect(read).toBeGreaterThan(0.6 * taken);
    expect(read).toBeLessThan(taken);
  });

  it('should be nothing where a list is too long', () => {
    const read = variableCompiler(schema, 2)(operationOf('query($v: [ID!]) { __typename }'));
    expect(read({ v: ['1', '2'] })).toEqual({ v: ['1', '2'] });
    expect(read({ v: ['1', '2', '3'] })).toBeNull();
  });
});
