import type { DocumentNode } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import { describe, expect, it } from 'vitest';
import { createDocuments, useDocumentCache } from '../../../src/graphql/document-cache.ts';
import { schema } from '../../../src/schema/schema.ts';

/** A server that counts what it parses and validates. */
function counting(bytes?: number) {
  const parsed: string[] = [];
  const validated: DocumentNode[] = [];
  const counter: Plugin = {
    onParse: ({ parseFn, setParseFn }) =>
      setParseFn((text, options) => {
        parsed.push(text);
        return parseFn(text, options);
      }),
    onValidate: ({ validateFn, setValidationFn }) =>
      setValidationFn((given, document, ...rest) => {
        validated.push(document);
        return validateFn(given, document, ...rest);
      }),
  };
  const yoga = createYoga({
    schema,
    logging: false,
    parserAndValidationCache: false,
    plugins: [useDocumentCache(createDocuments(bytes)), counter],
  });
  const ask = async (query: string) => {
    const response = await yoga.fetch('http://localhost/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    });
    return await response.text();
  };
  return { ask, parsed, validated };
}

describe('the memory for documents', () => {
  it('should parse and validate a valid document once', async () => {
    const { ask, parsed, validated } = counting();
    for (let i = 0; i < 3; i++) expect(await ask('{ __typename }')).toBe('{"data":{"__typename":"Query"}}');
    expect([parsed.length, validated.length]).toEqual([1, 1]);
  });

  it.each(['{ nope }', '{ __typename', 'type Query { a: Int }'])('should not keep %s', async (query) => {
    const { ask, parsed } = counting();
    const first = await ask(query);
    expect(JSON.parse(first)).toHaveProperty('errors');
    expect(await ask(query)).toBe(first);
    expect(parsed).toHaveLength(2);
  });

  it('should forget the least recently used beyond its bytes', async () => {
    // Room for two of these: 2,000 bytes each, 2 a character, 500 a token.
    const { ask, parsed } = counting(12_000);
    const [a, b, c] = ['query A { __typename }', 'query B { __typename }', 'query C { __typename }'];
    for (const query of [a, b, a, c, a, b]) await ask(query);
    expect(parsed).toEqual([a, b, c, b]);
  });

  it('should not keep what is larger than all of it', async () => {
    const { ask, parsed } = counting(12_000);
    const large = `{ ${'__typename '.repeat(30)} }`;
    for (const query of ['{ __typename }', large, large, '{ __typename }']) await ask(query);
    expect(parsed).toEqual(['{ __typename }', large, large]);
  });
});
