import { setImmediate as nextTurn } from 'node:timers/promises';
import * as fc from 'fast-check';
import {
  buildSchema,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  isAbstractType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { isObject } from '../../../src/lib/is-object.ts';
import { StoredJson } from '../../../src/lib/stored-json.ts';
import type { Draw } from '../../support/valid-requests.ts';

const SDL = `
  enum Kind { LEFT RIGHT }
  scalar Any
  interface Named { name: String, tags: [String!] }
  union Either = Leaf | Branch
  type Leaf implements Named {
    id: ID!, name: String, tags: [String!], kind: Kind!, flag: Boolean!, whole: Int!, real: Float, any: Any
  }
  type Branch implements Named {
    name: String, tags: [String!], left: Branch, right: Branch!, leaves: [Leaf!], grid: [[Leaf]!]!
    named: Named!, either: Either, many: [Either!]!
  }
  type Query { branch: Branch, leaf: Leaf!, named: [Named], either: [Either!]! }
  type Mutation { branch: Branch, leaves: [Leaf!] }
`;

/**
 * When values are there. Later, items of lists are always promises: graphql-js leaves rejected ones before an item that
 * throws at once unhandled, which ends the process.
 */
export type When = 'at once' | 'later';

/** Makes a schema with all kinds of output types, and with values for its root fields. */
export function drawSchema(draw: Draw, when: When): GraphQLSchema {
  const schema = buildSchema(SDL);
  for (const type of Object.values(schema.getTypeMap())) {
    if (isAbstractType(type)) type.resolveType = typeOf;
  }
  for (const type of [schema.getQueryType(), schema.getMutationType()]) {
    for (const field of Object.values(type?.getFields() ?? {})) {
      const value = draw(() => valueOf(field.type, schema, when));
      field.resolve = () => value;
    }
  }
  return schema;
}

function typeOf(value: unknown): string | undefined {
  return isObject(value) ? String(value['is']) : undefined;
}

/** Values for a type: right ones for the most part. */
function valueOf(
  type: GraphQLOutputType,
  schema: GraphQLSchema,
  when: When,
  levels = 2,
): fc.Arbitrary<unknown> {
  const inner = isNonNullType(type) ? type.ofType : type;
  // The error of a value without a type is another one than that of graphql-js: it is unexpected anyway.
  const wrong = isAbstractType(inner) ? [] : [Number.NaN, {}, []];
  return fc.oneof(
    { weight: isNonNullType(type) ? 40 : 8, arbitrary: present(inner, schema, when, levels) },
    { weight: 1, arbitrary: fc.constantFrom(null, undefined, WRONG, ...wrong) },
  );
}

function present(
  type: GraphQLOutputType,
  schema: GraphQLSchema,
  when: When,
  levels: number,
): fc.Arbitrary<unknown> {
  if (isListType(type)) return listOf(valueOf(type.ofType, schema, when, levels), when);
  if (isAbstractType(type)) {
    return fc.oneof(...schema.getPossibleTypes(type).map((one) => objectOf(one, schema, when, levels)));
  }
  if (isObjectType(type)) return objectOf(type, schema, when, levels);
  if (isEnumType(type)) return fc.constantFrom(...type.getValues().map(({ value }) => value));
  switch (String(type)) {
    case 'Int':
      return fc.integer();
    case 'Float':
      return fc.double({ noNaN: true, noDefaultInfinity: true });
    case 'Boolean':
      return fc.boolean();
    case 'Any':
      return fc.oneof(fc.jsonValue({ maxDepth: 1 }), STORED);
    default:
      return TEXT;
  }
}

function listOf(item: fc.Arbitrary<unknown>, when: When): fc.Arbitrary<unknown> {
  const items = fc.array(when === 'later' ? promiseOf(item) : item, { maxLength: 2 });
  return fc.oneof(
    items,
    items.map((values) => new Set(values)),
  );
}

function objectOf(
  type: GraphQLObjectType,
  schema: GraphQLSchema,
  when: When,
  levels: number,
): fc.Arbitrary<unknown> {
  if (levels === 0) return fc.constant(null);
  const fields = Object.values(type.getFields()).map((field) => {
    const value = valueOf(field.type, schema, when, levels - 1);
    return [field.name, when === 'at once' ? atOnceOf(value) : laterOf(value)] as const;
  });
  return fc.record({ is: fc.constant(type.name), ...Object.fromEntries(fields) });
}

/** What a property may hold for a value that is there at once: the value, or a function that returns it. */
function atOnceOf(value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 5, arbitrary: value },
    { weight: 1, arbitrary: value.map((given) => () => given) },
    { weight: 1, arbitrary: fc.constant(fail) },
  );
}

function laterOf(value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 3, arbitrary: value },
    { weight: 3, arbitrary: promiseOf(value) },
    { weight: 3, arbitrary: value.map((given) => () => nextTurn().then(() => given)) },
    { weight: 1, arbitrary: fc.constant(() => nextTurn().then(fail)) },
  );
}

function promiseOf(value: fc.Arbitrary<unknown>): fc.Arbitrary<Promise<unknown>> {
  return fc.oneof(
    { weight: 12, arbitrary: value.map((given) => Promise.resolve(given)) },
    { weight: 1, arbitrary: value.map(rejected) },
  );
}

/** Text, and what is coerced to it. Made once: it takes long. */
const TEXT = fc.oneof(fc.string({ unit: 'binary' }), fc.integer());

/** JSON objects as the stores have them. */
const STORED = fc
  .dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 1 }))
  .map((object) => new StoredJson(JSON.stringify(object)));

/** Errors that are made once, since their stacks take long. */
const WRONG = new Error('This is no value.');
const FAILED = new Error('It has failed.');
const REJECTED = new Error('It was rejected.');

/** A promise that may be rejected before it is waited for. */
function rejected(): Promise<never> {
  const promise = Promise.reject(REJECTED);
  promise.catch(() => {});
  return promise;
}

function fail(): never {
  throw FAILED;
}
