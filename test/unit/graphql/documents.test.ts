import { describe, expect, it } from 'vitest';
import { createDocuments, type Documents, type DocumentsOptions } from '../../../src/graphql/documents.ts';
import { schema } from '../../../src/schema/schema.ts';
import { trust } from '../../support/trusted.ts';

function open(options: Partial<DocumentsOptions> = {}): Documents {
  return createDocuments({ schema, introspection: true, trusted: null, ...options });
}

/** Parses and validates a document twice, as the pipeline does until it is known. */
function add(documents: Documents, text: string): void {
  for (let time = 0; time < 2; time++) documents.validate(text, documents.parse(text));
}

/** Asks for documents one after the other. Returns those that were not known. */
function ask(documents: Documents, texts: readonly string[]): readonly string[] {
  return texts.filter((text) => {
    if (documents.find(text) !== undefined) return false;
    add(documents, text);
    return true;
  });
}

/** The errors that a function throws as one. */
function errorsOf(work: () => void): unknown {
  try {
    work();
  } catch (error) {
    return error instanceof AggregateError ? error.errors : [error];
  }
  return [];
}

function withCode(code: string): unknown {
  return expect.objectContaining({ extensions: expect.objectContaining({ code }) });
}

describe('the documents of a server', () => {
  it('should be known from the second time on', () => {
    const documents = open();
    documents.validate('{ __typename }', documents.parse('{ __typename }'));
    expect(documents.find('{ __typename }')).toBeUndefined();
    const prepared = documents.parse('{ __typename }');
    // Valid it is only from then on.
    expect(documents.find('{ __typename }')).toBeUndefined();
    documents.validate('{ __typename }', prepared);
    expect(documents.find('{ __typename }')).toBe(prepared);
    expect(documents.find('{ __typename } ')).toBeUndefined();
  });

  it.each([
    ['{ nope }', 'GRAPHQL_VALIDATION_FAILED'],
    ['type Query { a: Int }', 'GRAPHQL_VALIDATION_FAILED'],
    ['{ __typename', 'GRAPHQL_PARSE_FAILED'],
    [`{ ${'a '.repeat(5_000)} }`, 'LIMIT_EXCEEDED'],
    [`{ __typename } #${'x'.repeat(65_536)}`, 'LIMIT_EXCEEDED'],
  ])('should not be kept where they are not valid: %.30s', (text, code) => {
    const documents = open();
    for (let i = 0; i < 2; i++) {
      expect(errorsOf(() => add(documents, text))).toEqual([withCode(code)]);
      expect(documents.find(text)).toBeUndefined();
    }
  });

  it('should be told 5 of their errors at most', () => {
    const documents = open();
    const fields = Array.from({ length: 20 }, (_, i) => `nope${i}`).join(' ');
    expect(errorsOf(() => add(documents, `{ ${fields} }`))).toEqual(
      Array.from({ length: 5 }, () => withCode('GRAPHQL_VALIDATION_FAILED')),
    );
  });

  it('should ask for the schema only where introspection is on', () => {
    const text = '{ __schema { queryType { name } } }';
    add(open(), text);
    expect(errorsOf(() => add(open({ introspection: false }), text))).toContainEqual(
      withCode('GRAPHQL_VALIDATION_FAILED'),
    );
  });

  it('should be forgotten beyond the bytes for them, the least recently used first', () => {
    // Room for two of these: 3,000 bytes each, 2 a character, 500 a token.
    const documents = open({ bytes: 12_000 });
    const [a, b, c] = ['query A { __typename }', 'query B { __typename }', 'query C { __typename }'];
    expect(ask(documents, [a, b, a, c, a, b])).toEqual([a, b, c, b]);
  });

  it('should not be forgotten for those that are sent once', () => {
    const documents = open({ bytes: 12_000 });
    const known = 'query A { __typename }';
    add(documents, known);
    for (let index = 0; index < 100; index++) {
      const text = `query B${index} { __typename }`;
      documents.validate(text, documents.parse(text));
      expect(documents.find(text)).toBeUndefined();
    }
    expect(documents.find(known)).toBeDefined();
  });

  it('should not be kept where one is larger than all of the memory', () => {
    const documents = open({ bytes: 12_000 });
    const large = `{ ${'__typename '.repeat(30)} }`;
    const small = '{ __typename }';
    expect(ask(documents, [small, large, large, small])).toEqual([small, large, large]);
  });

  it('should count what is compiled of them', () => {
    const documents = open({ bytes: 12_000 });
    const text = '{ threads { totalCount } }';
    add(documents, text);
    const operation = documents.find(text)?.select(null);
    expect(operation?.compiled({})).not.toBeNull();
    expect(documents.find(text)).toBeDefined();
    // Two variants of one that skips: together they are too large.
    const skipping =
      'query ($a: Boolean!) { threads @skip(if: $a) { totalCount } threads { nodes { id status } } }';
    const roomy = open({ bytes: 40_000 });
    add(roomy, skipping);
    const first = roomy.find(skipping)?.select(null);
    first?.compiled({ a: true });
    expect(roomy.find(skipping)).toBeDefined();
    first?.compiled({ a: false });
    expect(roomy.find(skipping)).toBeUndefined();
  });

  it('should be valid from the start and never forgotten where they are trusted', () => {
    const text = '{ threads { totalCount } }';
    const documents = open({ bytes: 5_000, trusted: trust([text]) });
    const known = documents.find(text);
    expect(known).toBeDefined();
    for (let i = 0; i < 10; i++) add(documents, `query Q${i} { __typename }`);
    expect(documents.find(text)).toBe(known);
  });
});
