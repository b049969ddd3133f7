import {
  BREAK,
  GraphQLError,
  Kind,
  NoSchemaIntrospectionCustomRule,
  parse,
  specifiedRules,
  validate,
  type ValidationRule,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { mergeRules } from '../../../src/graphql/merge-rules.ts';
import { schema } from '../../../src/schema/schema.ts';

const rules: readonly ValidationRule[] = [...specifiedRules, NoSchemaIntrospectionCustomRule];

function errorsBy(all: readonly ValidationRule[], text: string): readonly string[] {
  return validate(schema, parse(text), all, { maxErrors: 20 }).map(String);
}

describe('merged rules', () => {
  it.each([
    'query Q($id: ID!) { thread(id: $id) { id } }',
    '{ thread { id { x } status(a: 1) nothing } }',
    'query Q($id: ID!, $id: String, $other: Nothing) { thread(id: $id) { ...F ...F ...None } }',
    'fragment F on Thread { id ...F } fragment F on Nothing { id } { threads { nodes { ...F } } }',
    'query A { __typename } query A { __schema { types { name } } } { threads { totalCount } }',
    '{ thread(id: 1) @skip @skip(if: 1) @nothing { id @include(if: true) @include(if: false) } }',
    '{ a: thread(id: 1) { id } a: thread(id: 2) { id: status } threads(first: "x", first: 2) { totalCount } }',
    'mutation { createThread(input: {metadata: 1, metadata: 2, nothing: 3}) { thread { id } } }',
    'subscription { threadChanged { kind } runChanged { kind } }',
    'type Thread { id: ID } query Q($a: Thread, $b: [ID!] = [null]) { threads(filter: {ids: $b}) { totalCount } }',
    `{ ${'x y: z '.repeat(15)} }`,
  ])('should find the same errors, in the same order: %s', (text) => {
    expect(errorsBy([mergeRules(rules)], text)).toEqual(errorsBy(rules, text));
  });

  it.each([false, BREAK])('should skip for each rule what that rule skips: %s', (skip) => {
    const seen = (): ValidationRule[] =>
      [skip, undefined].map((result, index) => (context) => ({
        enter: (node) => {
          context.reportError(new GraphQLError(`${index} enters ${node.kind}`));
          return node.kind === Kind.FIELD ? result : undefined;
        },
        leave: (node) => context.reportError(new GraphQLError(`${index} leaves ${node.kind}`)),
      }));
    const text = '{ thread(id: 1) { id } threads { totalCount } }';
    const errors = validate(schema, parse(text), [mergeRules(seen())]).map(String);
    expect(errors).toEqual(validate(schema, parse(text), seen()).map(String));
    expect(errors.length).toBeGreaterThan(20);
  });
});
