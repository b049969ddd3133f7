import { getIntrospectionQuery } from 'graphql';
import { describe, expect, it } from 'vitest';
import { MAX_DOCUMENT_BYTES, MAX_TOKENS } from '../../../src/limits.ts';
import { openApi, send, post, type TestParts } from '../../support/api.ts';
import { subscribe } from '../../support/sse.ts';
import { many, nest, refusalOf, refused, untouchable } from './refusal.ts';

interface Limit {
  readonly most: number;
  /** What is said of one more. */
  readonly message: string;
  /** Documents with so many of what is limited. Of several operations the one named Q runs. */
  readonly documents: Readonly<Record<string, (count: number) => string>>;
}

const LIMITS: Readonly<Record<string, Limit>> = {
  'the bytes of a document': {
    most: MAX_DOCUMENT_BYTES,
    message: 'The document has 65,537 bytes: at most 65,536 are accepted.',
    documents: {
      'in a comment': (bytes) => fill(bytes, '{ __typename } #', ''),
      'beyond ASCII': (bytes) => fill(bytes, `{ __typename } #${'字'.repeat(1_000)}`, ''),
      'in a string': (bytes) => fill(bytes, '{ threads(filter: {metadata: {a: "', '"}}) { totalCount } }'),
    },
  },
  'the tokens of a document': {
    most: MAX_TOKENS,
    message: 'The document has too many tokens: at most 5,000 are accepted.',
    documents: {
      'in a literal': (tokens) =>
        `{ threads(filter: {metadata: {a: [${many(tokens - 20, () => '1')}]}}) { totalCount } }`,
    },
  },
  'the depth of an operation': {
    most: 12,
    message: 'has 13 fields within each other: at most 12',
    documents: {
      'by fields': (depth) => `{ ${thread(depth)} }`,
      'by inline fragments': (depth) => `{ ... { ... on Query { ${thread(depth)} } } }`,
      'by a fragment': (depth) => `{ ...a } fragment a on Query { ${thread(depth)} }`,
      'by fragments within each other': (depth) =>
        `{ thread(id: 1) { ...a } } fragment a on Thread { runs(first: 1) { ...b } }
        fragment b on RunConnection { nodes { ${run(depth - 3)} } }`,
      'of a mutation': (depth) =>
        `mutation { createThread { thread { runs(first: 1) { nodes { ${run(depth - 4)} } } } } }`,
      'of the operation that does not run': (depth) =>
        `query Q { __typename } query Other { ${thread(depth)} }`,
    },
  },
  'the aliases of an operation': {
    most: 30,
    message: 'has 31 aliases: at most 30',
    documents: {
      'of fields': (count) => `{ thread(id: 1) { ${many(count, (i) => `a${i}: id`)} } }`,
      'of __typename': (count) => `{ ${many(count, (i) => `a${i}: __typename`)} }`,
      'of one name': (count) => `{ ${many(count, () => 'a: __typename')} }`,
      'by a fragment that is spread often': (count) =>
        `{ ${many(3, () => '...a')} ${many(count - 27, (i) => `b${i}: __typename`)} }
        fragment a on Query { ${many(9, (i) => `a${i}: __typename`)} }`,
      'by inline fragments': (count) => `{ ${many(count, (i) => `... { a${i}: __typename }`)} }`,
      'in the operation that does not run': (count) =>
        `query Q { __typename } query Other { ${many(count, (i) => `a${i}: __typename`)} }`,
      'in introspection': (count) => `{ __schema { ${many(count, (i) => `a${i}: description`)} } }`,
    },
  },
  'the fields at the root': {
    most: 20,
    message: 'has 21 fields at its root: at most 20',
    documents: {
      'by aliases': (count) => `{ ${many(count, (i) => `a${i}: thread(id: ${i}) { id }`)} }`,
      'of one name': (count) => `{ __typename ${many(count, () => 'threads { totalCount }')} }`,
      'by a fragment': (count) =>
        `{ ${many(count, () => '...a')} } fragment a on Query { threads { totalCount } }`,
      'of a mutation': (count) =>
        `mutation { ${many(count, (i) => `a${i}: createThread { thread { id } }`)} }`,
      'of the operation that does not run': (count) =>
        `query Q { __typename } query Other { ${many(count, () => 'threads { totalCount }')} }`,
    },
  },
  'the directives of an operation': {
    most: 50,
    message: 'has 51 directives: at most 50',
    documents: {
      'on fields': (count) => `{ ${many(count, () => '__typename @skip(if: false)')} }`,
      'on inline fragments': (count) => `{ ${many(count, () => '... @skip(if: false) { __typename }')} }`,
      'on fragments': (count) =>
        `{ ${many(count, () => '...a @include(if: true)')} } fragment a on Query { __typename }`,
      'in a fragment that is spread often': (count) =>
        `{ ${many(10, () => '...a')} ${many(count - 40, () => '__typename @skip(if: false)')} }
        fragment a on Query { ${many(4, () => '__typename @skip(if: false)')} }`,
    },
  },
  'the fields and fragments of a document': {
    most: 700,
    message: 'has 701 fields and fragments, each counted where it is spread: at most 700',
    documents: {
      'by fields': (count) => `{ threads { nodes { ${many(count - 2, () => 'id')} } } }`,
      'by inline fragments': (count) =>
        `{ ${many(249, () => '... { __typename }')} threads { ${many(count - 499, () => 'totalCount')} } }`,
      'by a fragment that is spread often': (count) =>
        `{ threads { ${many(9, () => '...a')} ${many(count - 451, () => 'totalCount')} } }
        fragment a on ThreadConnection { ${many(49, () => 'totalCount')} }`,
      'of all operations together': (count) =>
        `query Q { threads { ${many(249, () => 'totalCount')} } }
        query Other { threads { ${many(count - 251, () => 'totalCount')} } }`,
    },
  },
  'ofType within each other': {
    most: 9,
    message: 'has 10 `ofType` within each other: at most 9',
    documents: {
      'by fields': (count) => `{ __type(name: "Run") { ${nest(count, 'ofType {', 'name', '}')} } }`,
      'by a fragment': (count) =>
        `{ __type(name: "Run") { ofType { ...a } } }
        fragment a on __Type { ${nest(count - 1, '... { ofType {', 'name', '} }')} }`,
    },
  },
  'lists of types within each other': {
    most: 1,
    message: 'has 2 `fields`, `inputFields`, `interfaces` or `possibleTypes` within each other: at most 1',
    documents: {
      'by fields': (count) => `{ __type(name: "Run") { ${nest(count, 'fields { type {', 'name', '} }')} } }`,
      'by arguments': (count) =>
        `{ __schema { types { ${nest(count, 'fields { args { type {', 'name', '} } }')} } } }`,
      'by interfaces': (count) => `{ __schema { types { ${nest(count, 'interfaces {', 'name', '}')} } } }`,
      'by possible types': (count) =>
        `{ __schema { queryType { ${nest(count, 'possibleTypes {', 'name', '}')} } } }`,
      'by input fields in a fragment': (count) =>
        `{ __type(name: "X") { ...a } }
        fragment a on __Type { ${nest(count, 'inputFields { type { ofType {', 'name', '} } }')} }`,
    },
  },
};

/** A document of so many bytes. */
function fill(bytes: number, before: string, after: string): string {
  return `${before}${'x'.repeat(bytes - Buffer.byteLength(before + after))}${after}`;
}

/** A thread, with so many fields within each other. */
function thread(depth: number): string {
  return `thread(id: 1) { runs(first: 1) { nodes { ${run(depth - 3)} } } }`;
}

/** What is asked of a run, with so many fields within each other. */
function run(depth: number): string {
  if (depth === 1) return 'id';
  if (depth === 2) return 'thread { id }';
  if (depth === 3) return 'thread { runs(first: 1) { totalCount } }';
  return thread(depth).replace('(id: 1)', '');
}

const cases = Object.entries(LIMITS).flatMap(([limit, { most, message, documents }]) =>
  Object.entries(documents).map(([how, make]) => ({ limit, how, make, most, message })),
);

async function ask(query: string, parts: TestParts = {}) {
  const { api, logged } = openApi(parts);
  const operationName = query.startsWith('query Q') ? 'Q' : undefined;
  const answer = await post(api, 'alice', JSON.stringify({ query, operationName }));
  expect(logged).toEqual([]);
  return { api, answer };
}

describe.each(cases)('$limit, $how', ({ make, most, message }) => {
  it('should be served at the limit', async () => {
    const { answer } = await ask(make(most));
    expect(answer.body.errors).toBeUndefined();
    expect(answer.status).toBe(200);
  });

  it('should be refused one over, before a store is touched', async () => {
    const { api, answer } = await ask(make(most + 1), { stores: untouchable() });
    expect(await refusalOf(api, answer)).toEqual(refused('LIMIT_EXCEEDED', message));
  });
});

describe('introspection', () => {
  it.each([
    ['by default', getIntrospectionQuery()],
    [
      'with all that there is',
      getIntrospectionQuery({
        descriptions: true,
        specifiedByUrl: true,
        directiveIsRepeatable: true,
        schemaDescription: true,
        inputValueDeprecation: true,
        oneOf: true,
      }),
    ],
  ])('should pass as the standard query has it, %s', async (_, query) => {
    const { api } = openApi();
    const { status, body } = await send(api, null, query);
    expect(body.errors).toBeUndefined();
    expect(status).toBe(200);
    expect(body.data).toHaveProperty('__schema.types');
  });

  it('should be held to the same limits without a token', async () => {
    const { api } = openApi();
    const answer = await send(api, null, `{ ${many(31, (i) => `a${i}: __typename`)} }`);
    expect(await refusalOf(api, answer)).toEqual(refused('LIMIT_EXCEEDED', '31 aliases'));
  });
});

describe('a plain __typename in each selection, as Apollo adds it', () => {
  it('should be no alias and no field at the root', async () => {
    const { api } = openApi();
    const lists = many(
      20,
      (i) =>
        `${i < 10 ? `a${i}: ` : ''}threads { __typename nodes { __typename id } pageInfo { __typename } }`,
    );
    const { body } = await send(api, 'alice', `{ __typename ${lists} }`);
    expect(body.errors).toBeUndefined();
  });
});

function typenames(count: number): string {
  return many(count, () => '__typename');
}

describe('a __typename that is repeated', () => {
  it('should count as a field', async () => {
    const { api } = openApi();
    for (const query of [
      `{ ${typenames(500)} }`,
      `{ threads { nodes { ${typenames(500)} } } }`,
      `{ ${typenames(22)} }`,
    ]) {
      const { body } = await send(api, 'alice', query);
      expect(body.errors).toMatchObject([{ extensions: { code: 'LIMIT_EXCEEDED' } }]);
    }
    expect((await send(api, 'alice', `{ ${typenames(20)} }`)).body.errors).toBeUndefined();
  });
});

describe('a subscription', () => {
  it('should be held to the same limits', async () => {
    const { api } = openApi();
    const aliases = many(31, (i) => `a${i}: id`);
    const stream = await subscribe(api, 'alice', `subscription { threadChanged { ${aliases} } }`);
    expect(await stream.rest()).toMatchObject([
      { event: 'next', data: { errors: [{ extensions: { code: 'LIMIT_EXCEEDED' } }] } },
      { event: 'complete' },
    ]);
  });
});
