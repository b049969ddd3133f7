import { getIntrospectionQuery, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/graphql/trusted-documents.ts';
import { aliceFor, type FetchedApi, openApi } from '../support/api.ts';
import { trust } from '../support/trusted.ts';
import { codesOf, graphqlUrl, INNARDS, NO_THREADS, request, threadsOf } from './request.ts';

const COUNT = 'query Count($first: Int) { threads(first: $first) { totalCount nodes { status } } }';
const CREATE = 'mutation Create { createThread { thread { status } } }';
const CHANGED = 'subscription Changed { threadChanged { kind } }';
const SCHEMA = '{ __schema { queryType { name } } }';
/** What `threadsOf` sends. */
const TOTAL = '{ threads { totalCount } }';
const LISTED = [COUNT, CREATE, CHANGED, SCHEMA, TOTAL];

const EMPTY_PAGE = { data: { threads: { totalCount: 0, nodes: [] } } };
const JSON_ONLY = 'application/json';
const GRAPHQL = 'application/graphql-response+json';

/** Apollo's form of a request for a hash. */
function persisted(sha256Hash: unknown, version: unknown = 1) {
  return { extensions: { persistedQuery: { version, sha256Hash } } };
}

/** Posts a body as alice. */
function send(api: FetchedApi, body: object, accept: string = GRAPHQL) {
  const headers = { 'content-type': JSON_ONLY, accept };
  return request(api, '/graphql', { as: 'alice', method: 'POST', headers, body: JSON.stringify(body) });
}

/** Posts a body without a token of anybody's. */
function sendAsNobody(api: FetchedApi, body: object, headers: Readonly<Record<string, string>> = {}) {
  return request(api, '/graphql', {
    method: 'POST',
    headers: { 'content-type': JSON_ONLY, accept: GRAPHQL, ...headers },
    body: JSON.stringify(body),
  });
}

function messagesOf(text: string): string[] {
  const { errors = [] }: { errors?: { message: string }[] } = JSON.parse(text);
  return errors.map(({ message }) => message);
}

describe('a trusted document', () => {
  it.each([
    ['its hash', sha256(COUNT)],
    ['its hash as graphql-codegen writes it', `sha256:${sha256(COUNT)}`],
  ])('should run by %s, in a POST and in a GET', async (_kind, hash) => {
    const { api } = openApi({ trustedDocuments: trust(LISTED, { only: true }) });
    const body = { ...persisted(hash), variables: { first: 1 }, operationName: 'Count' };
    const path = graphqlUrl({ extensions: JSON.stringify(body.extensions), variables: '{"first":1}' });
    for (const { status, text } of [await send(api, body), await request(api, path, { as: 'alice' })]) {
      expect({ status, body: JSON.parse(text) }).toEqual({ status: 200, body: EMPTY_PAGE });
    }
  });

  it('should run by its text, and by its text with its hash', async () => {
    const { api } = openApi({ trustedDocuments: trust(LISTED, { only: true }) });
    for (const hash of [{}, persisted(sha256(COUNT)), persisted(`sha256:${sha256(COUNT)}`)]) {
      const { status, text } = await send(api, { query: COUNT, ...hash });
      expect({ status, body: JSON.parse(text) }).toEqual({ status: 200, body: EMPTY_PAGE });
    }
  });

  it('should be neither parsed nor validated again', async () => {
    const texts = new Map([['a hash', 'a text that does not parse']]);
    const parsed = new Map([['a text that does not parse', parse('{ nope }')]]);
    const { api } = openApi({ trustedDocuments: { texts, parsed, only: true } });
    for (let round = 0; round < 2; round++) {
      const { status, text } = await send(api, persisted('a hash'));
      // The executor leaves out a field that validation would have refused.
      expect({ status, body: JSON.parse(text) }).toEqual({ status: 200, body: { data: {} } });
    }
  });

  it('should have its arguments, variables and operation checked like those of any other', async () => {
    const { api } = openApi({ trustedDocuments: trust(LISTED) });
    for (const wrong of [
      { variables: { first: 'x' } },
      { variables: { first: 101 } },
      { variables: [1] },
      { operationName: 'Other' },
    ]) {
      const { text } = await send(api, { ...persisted(sha256(COUNT)), ...wrong });
      expect({ wrong, codes: codesOf(text) }).toEqual({ wrong, codes: ['BAD_USER_INPUT'] });
    }
  });

  it('should be held to the limits: what it costs depends on its variables', async () => {
    const listing =
      'query ($page: Int) { threads(first: $page) { nodes { runs(first: $page) { nodes { assistant { id } } } } } }';
    const deep = `{ threads { nodes { ${'runs { nodes { thread { '.repeat(4)}id${' } } }'.repeat(4)} } } }`;
    const { api } = openApi({ trustedDocuments: trust([listing, deep], { only: true }) });
    const screen = await send(api, { ...persisted(sha256(listing)), variables: { page: 20 } });
    expect({ status: screen.status, codes: codesOf(screen.text) }).toEqual({ status: 200, codes: [] });
    for (const body of [
      { ...persisted(sha256(listing)), variables: { page: 100 } },
      persisted(sha256(deep)),
    ]) {
      const { status, text } = await send(api, body);
      expect({ status, codes: codesOf(text) }).toEqual({ status: 400, codes: ['LIMIT_EXCEEDED'] });
    }
  });

  it('should be a mutation in a POST alone', async () => {
    const { api } = openApi({ trustedDocuments: trust(LISTED) });
    const body = persisted(sha256(CREATE));
    const path = graphqlUrl({ extensions: JSON.stringify(body.extensions) });
    const { status, headers } = await request(api, path, { as: 'alice' });
    expect({ status, allow: headers.get('allow') }).toEqual({ status: 405, allow: 'POST' });
    expect(await threadsOf(api)).toEqual(NO_THREADS);
    expect((await send(api, body)).status).toBe(200);
    expect(await threadsOf(api)).toEqual({ data: { threads: { totalCount: 1 } } });
  });

  it('should be a subscription where the client accepts a stream', async () => {
    // A stream with a last word, so that it can be read whole.
    const { api } = openApi({ trustedDocuments: trust(LISTED), authenticate: aliceFor(1) });
    expect((await send(api, persisted(sha256(CHANGED)))).status).toBe(406);
    const { status, text } = await send(api, persisted(sha256(CHANGED)), 'text/event-stream');
    expect(status).toBe(200);
    expect(text).toContain('The token of this subscription has ended');
    expect(text).toContain('event: complete');
  });

  it('should need a token, unless all that it asks for is the schema', async () => {
    const { api } = openApi({ trustedDocuments: trust(LISTED) });
    for (const [document, status] of [
      [COUNT, 401],
      [CREATE, 401],
      [SCHEMA, 200],
    ] as const) {
      const answer = await sendAsNobody(api, persisted(sha256(document)));
      expect({ document, status: answer.status }).toEqual({ document, status });
    }
    expect(await threadsOf(api)).toEqual(NO_THREADS);
    const headers = { authorization: 'Bearer x' };
    expect((await sendAsNobody(api, persisted(sha256(SCHEMA)), headers)).status).toBe(401);
    const off = openApi({ trustedDocuments: trust(LISTED), introspection: false });
    expect((await sendAsNobody(off.api, persisted(sha256(SCHEMA)))).status).toBe(401);
  });
});

describe('a hash', () => {
  it.each([
    ['JSON', JSON_ONLY, 200],
    ['the media type of GraphQL', GRAPHQL, 400],
  ])(
    'should be answered as Apollo does when it is unknown, to who accepts %s',
    async (_kind, accept, status) => {
      const { api, logged } = openApi({ trustedDocuments: trust([]) });
      for (const hash of [sha256('{ __typename }'), '', '__proto__', 'constructor', 'x'.repeat(100_000)]) {
        const answer = await send(api, persisted(hash), accept);
        expect(answer.status).toBe(status);
        expect(JSON.parse(answer.text)).toEqual({
          errors: [{ message: 'PersistedQueryNotFound', extensions: { code: 'BAD_USER_INPUT' } }],
        });
        expect(answer.headers.get('cache-control')).toBe('no-store');
      }
      expect(logged).toEqual([]);
    },
  );

  it('should not be registered by a request with its text', async () => {
    const { api } = openApi({ trustedDocuments: trust([]) });
    const hash = persisted(sha256(COUNT));
    expect(JSON.parse((await send(api, { query: COUNT, ...hash })).text)).toEqual(EMPTY_PAGE);
    expect(messagesOf((await send(api, hash)).text)).toEqual(['PersistedQueryNotFound']);
  });

  it('should be that of the text beside it', async () => {
    const { api } = openApi({ trustedDocuments: trust(LISTED) });
    for (const hash of [sha256(COUNT), 'x', sha256(CREATE).toUpperCase(), `${sha256(CREATE)} `]) {
      const { status, text } = await send(api, { query: CREATE, ...persisted(hash) }, JSON_ONLY);
      expect({ status, codes: codesOf(text) }).toEqual({ status: 400, codes: ['BAD_USER_INPUT'] });
    }
    expect(await threadsOf(api)).toEqual(NO_THREADS);
  });

  it.each<[string, unknown]>([
    ['another version', { version: 2, sha256Hash: sha256(CREATE) }],
    ['a version that is text', { version: '1', sha256Hash: sha256(CREATE) }],
    ['no version', { sha256Hash: sha256(CREATE) }],
    ['no hash', { version: 1 }],
    ['a hash that is a number', { version: 1, sha256Hash: 1 }],
    ['a hash that is a list', { version: 1, sha256Hash: [sha256(CREATE)] }],
    ['text', sha256(CREATE)],
    ['a list', []],
    ['false', false],
  ])('should come in the form of Apollo, and not as %s', async (_kind, persistedQuery) => {
    const { api, logged } = openApi({ trustedDocuments: trust(LISTED) });
    for (const query of [undefined, CREATE]) {
      const { status, text } = await send(api, { query, extensions: { persistedQuery } }, JSON_ONLY);
      expect({ status, codes: codesOf(text) }).toEqual({ status: 400, codes: ['BAD_USER_INPUT'] });
      expect(text).not.toMatch(INNARDS);
    }
    expect(await threadsOf(api)).toEqual(NO_THREADS);
    expect(logged).toEqual([]);
  });

  it('should be no part of a request where it is null', async () => {
    const { api } = openApi({ trustedDocuments: trust(LISTED) });
    for (const extensions of [null, {}, { persistedQuery: null }]) {
      expect((await send(api, { query: COUNT, extensions })).status).toBe(200);
      expect(messagesOf((await send(api, { extensions })).text)).toEqual([
        'The request has no document: send it in `query`.',
      ]);
    }
  });

  it('should be answered as not supported where there are no trusted documents', async () => {
    const { api } = openApi();
    const hash = persisted(sha256(COUNT));
    const { status, text } = await send(api, hash, JSON_ONLY);
    expect({ status, codes: codesOf(text) }).toEqual({ status: 200, codes: ['BAD_USER_INPUT'] });
    expect(messagesOf(text)).toEqual(['PersistedQueryNotSupported']);
    expect(messagesOf((await send(api, {})).text)).toEqual([
      'The request has no document: send it in `query`.',
    ]);
    expect(JSON.parse((await send(api, { query: COUNT, ...hash })).text)).toEqual(EMPTY_PAGE);
  });
});

describe('a document that is not trusted', () => {
  it('should run where others may', async () => {
    const { api } = openApi({ trustedDocuments: trust(LISTED) });
    expect((await send(api, { query: `${COUNT} ` })).status).toBe(200);
    expect(codesOf((await send(api, { query: '{ nope }' })).text)).toEqual(['GRAPHQL_VALIDATION_FAILED']);
  });

  it.each([
    ['a mutation', `${CREATE} `],
    ['a mutation with another comment', `${CREATE} # trust me`],
    ['introspection', getIntrospectionQuery()],
    ['__typename', '{ __typename }'],
    ['nothing', ''],
    ['what does not parse', '{'],
  ])('should not run where only trusted ones do: %s', async (_kind, query) => {
    const { api } = openApi({ trustedDocuments: trust(LISTED, { only: true }) });
    for (const body of [{ query }, { query, ...persisted(sha256(query)) }]) {
      for (const accept of [JSON_ONLY, GRAPHQL]) {
        const { status, text } = await send(api, body, accept);
        expect({ status, codes: codesOf(text) }).toEqual({ status: 400, codes: ['BAD_USER_INPUT'] });
        expect(messagesOf(text)).toEqual(['Only trusted documents run here: send the hash of one.']);
      }
    }
    const got = await request(api, graphqlUrl({ query }), { as: 'alice' });
    expect(got.status).toBe(400);
    expect(await threadsOf(api)).toEqual(NO_THREADS);
  });

  it.each<[string, object]>([
    ['a list', [{ query: CREATE }]],
    ['a query in a list', { query: [`${CREATE} `] }],
    ['a query that is an object', { query: { text: `${CREATE} ` } }],
    ['a query that is a number beside a hash', { query: 1, ...persisted(sha256(CREATE)) }],
    ['no query', {}],
    ['another parameter', { documentId: `sha256:${sha256(CREATE)}` }],
  ])('should not run either in the form of %s', async (_kind, body) => {
    const { api, logged } = openApi({ trustedDocuments: trust(LISTED, { only: true }) });
    const { status, text } = await send(api, body);
    expect({ status, codes: codesOf(text) }).toEqual({ status: 400, codes: ['BAD_USER_INPUT'] });
    expect(await threadsOf(api)).toEqual(NO_THREADS);
    expect(logged).toEqual([]);
  });
});
