import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { getIntrospectionQuery } from 'graphql';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { sha256 } from '../../src/graphql/trusted-documents.ts';
import { createRequestSpans } from '../../src/observability/request-spans.ts';
import { createMemoryStores } from '../../src/store/memory/stores.ts';
import type { ThreadStore } from '../../src/store/stores.ts';
import { asOwner } from '../../src/store/owner.ts';
import { createChangeFeed } from '../../src/subscriptions/change-feed.ts';
import { type FetchedApi, openApi, type TestParts } from '../support/api.ts';
import { createAssistant, createRun, createThread, THEN } from '../support/requests.ts';
import { subscribe } from '../support/sse.ts';
import { trust } from '../support/trusted.ts';
import { type Ask, graphqlUrl, request } from './request.ts';

/** How often a document runs until all of it runs by generated functions. */
const UNTIL_GENERATED = 102;
const ORIGIN = 'http://localhost:3000';
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const TRUSTED = 'query Trusted { threads(first: 1) { totalCount nodes { metadata } } }';

const changes = createChangeFeed();
const stores = createMemoryStores({ publish: changes.publish });
const broken: ThreadStore = {
  ...stores.threads,
  get: (owner, id) => (id === 'broken' ? Promise.reject(new Error('secret')) : stores.threads.get(owner, id)),
};

/** An API on the stores of this file. */
function open(parts: TestParts = {}): FetchedApi {
  const trustedDocuments = trust([TRUSTED]);
  return openApi({ stores: { ...stores, threads: broken }, changes, trustedDocuments, ...parts }).api;
}

function openTraced(): FetchedApi {
  const { start, observe } = createRequestSpans(new BasicTracerProvider().getTracer('test'));
  return open({ startTrace: start, observers: [observe] });
}

/** A request of alice's, whose data nothing here changes. */
interface Case extends Ask {
  readonly kind: string;
  readonly path?: string;
}

function posted(kind: string, params: object, ask: Ask = {}): Case {
  const headers = { 'content-type': 'application/json', ...ask.headers };
  return { kind, method: 'POST', as: 'alice', body: JSON.stringify(params), ...ask, headers };
}

function got(kind: string, params: Readonly<Record<string, string>>, ask: Ask = {}): Case {
  return { kind, path: graphqlUrl(params), as: 'alice', ...ask };
}

const LISTS = `query Lists($first: Int, $skip: Boolean = false) {
  threads(first: $first) {
    totalCount
    nodes { __typename id status metadata createdAt runs { nodes { status assistant { name config } } } }
    pageInfo { hasNextPage endCursor }
  }
  assistants(orderBy: {field: NAME, direction: ASC}) @skip(if: $skip) { edges { cursor node { ...A } } }
}
fragment A on Assistant { name description version metadata }`;
const PARTLY = '{ good: thread(id: "none") { id } bad: thread(id: "broken") { id } threads { totalCount } }';
const CREATE =
  'mutation Create($m: JSONObject) { createThread(input: {metadata: $m}) { thread { status metadata } userErrors { code message field } } }';
const WATCH = 'subscription Watch { threadChanged { kind thread { metadata runs { nodes { status } } } } }';
const STREAM = { accept: 'text/event-stream' };
const GRAPHQL = { accept: 'application/graphql-response+json' };

/** What is executed. Mutations are bob's. */
const EXECUTED: readonly Case[] = [
  posted('a query', { query: LISTS, variables: { first: 2 } }),
  posted('a query that skips', { query: LISTS, variables: { skip: true } }),
  posted('a query with the media type of GraphQL', { query: LISTS }, { headers: GRAPHQL }),
  posted('a query with an error of a field', { query: PARTLY }),
  posted('a query with an error for all', { query: '{ threads(first: 101) { totalCount } }' }),
  posted('a query in a stream', { query: LISTS }, { headers: STREAM }),
  posted('a mutation', { query: CREATE, variables: { m: { ключ: '"\u2028' } } }, { as: 'bob' }),
  posted('a user error', { query: CREATE, variables: { m: { big: 'x'.repeat(70_000) } } }, { as: 'bob' }),
  posted('introspection', { query: '{ __schema { queryType { name } } __typename }' }, { as: undefined }),
  posted('a trusted document', { extensions: persisted(TRUSTED) }),
  got('a query by GET', { query: LISTS, variables: '{"first":2}' }),
  got('an error of a field by GET', { query: PARTLY }),
];

/** It is executed by graphql-js, always in the same way. */
const SCHEMA = posted('all of the schema', { query: getIntrospectionQuery() }, { as: undefined });

/** What is refused before it is executed. */
const REFUSED: readonly Case[] = [
  posted('no JSON', {}, { body: '{' }),
  posted('no document', {}),
  posted('another media type', {}, { headers: { 'content-type': 'text/plain' } }),
  posted('an error of syntax', { query: '{' }),
  posted('an error of syntax with the media type of GraphQL', { query: '{' }, { headers: GRAPHQL }),
  posted('an error of validation', { query: '{ nope also }' }),
  posted('a bad variable', { query: LISTS, variables: { first: 'x' } }),
  posted('an operation that is not there', { query: LISTS, operationName: 'Other' }),
  posted('a document that is too large', { query: `{ __typename } #${'x'.repeat(65_536)}` }),
  posted('a document that costs too much', {
    query: LISTS.replace('runs', 'runs(first: 100)'),
    variables: { first: 100 },
  }),
  posted('an unknown hash', { extensions: persisted('{ __typename }') }),
  posted('no token', { query: LISTS }, { as: undefined }),
  posted('a bad token', { query: LISTS }, { as: undefined, headers: { authorization: 'Bearer x' } }),
  posted('a subscription to who accepts JSON', { query: WATCH }, { headers: { accept: 'application/json' } }),
  posted('a subscription without a token', { query: WATCH }, { as: undefined, headers: STREAM }),
  posted('an error of syntax in a stream', { query: '{' }, { headers: STREAM }),
  posted('an error of validation in a stream', { query: 'subscription { nope }' }, { headers: STREAM }),
  posted('no JSON in a stream', {}, { body: '{', headers: STREAM }),
  got('a mutation by GET', { query: CREATE }),
  got('an error of syntax by GET', { query: '{' }),
  got('no token by GET', { query: LISTS }, { as: undefined }),
  got('a bad variable by GET', { query: LISTS, variables: '{"first":"x"}' }),
  got('a subscription by GET, without a token', { query: WATCH }, { as: undefined, headers: STREAM }),
  { kind: 'no document by GET', as: 'alice' },
  { kind: 'no document by GET, in a stream', as: 'alice', headers: STREAM },
  { kind: 'another method', method: 'PUT', as: 'alice' },
];

function persisted(text: string) {
  return { persistedQuery: { version: 1, sha256Hash: sha256(text) } };
}

/** Sends a request. All of the answer, without its date and what is for browsers alone. */
async function answerOf(
  api: FetchedApi,
  { path = '/graphql', ...ask }: Case,
  headers: Readonly<Record<string, string>> = {},
) {
  const all = { 'x-request-id': 'same', ...ask.headers, ...headers };
  const answer = await request(api, path, { ...ask, headers: all });
  const kept = [...answer.headers].filter(([name]) => name !== 'date' && !name.startsWith('access-control-'));
  return { status: answer.status, headers: kept, text: answer.text };
}

beforeAll(async () => {
  const api = open();
  for (const name of ['one', 'two']) {
    const assistant = await createAssistant(api, 'alice', { name, config: THEN });
    for (const ключ of ['"\u2028', 'é']) {
      await createRun(api, 'alice', await createThread(api, 'alice', { ключ }), assistant);
    }
  }
});

describe('a request', () => {
  it.each([...EXECUTED, SCHEMA, ...REFUSED])(
    'should be answered the same with and without Origin, traced or not: $kind',
    async (one) => {
      const expected = await answerOf(open(), one);
      expect(await answerOf(open(), one, { origin: ORIGIN })).toEqual(expected);
      expect(await answerOf(open(), one, { origin: 'https://evil.com' })).toEqual(expected);
      expect(await answerOf(openTraced(), one)).toEqual(expected);
      expect(await answerOf(openTraced(), one, { origin: ORIGIN, traceparent: TRACEPARENT })).toEqual(
        expected,
      );
    },
  );

  it.each(REFUSED)('should be answered the same when it comes again: $kind', async (one) => {
    const api = open();
    const expected = await answerOf(api, one);
    expect(expected.text).toContain('{"errors":[');
    expect(expected.text.startsWith(':\n\n')).toBe(one.headers?.['accept'] === STREAM.accept);
    expect(expected.text).not.toContain('"data":');
    for (let i = 0; i < 2; i++) expect(await answerOf(api, one)).toEqual(expected);
  });

  it.each(EXECUTED)('should be answered the same the first time and ever after: $kind', async (one) => {
    const api = open();
    const expected = await answerOf(api, one);
    expect(expected.text).toContain('"data":');
    for (let i = 1; i < UNTIL_GENERATED; i++) {
      const headers: Record<string, string> = i % 2 === 0 ? {} : { origin: ORIGIN };
      expect(await answerOf(api, one, headers)).toEqual(expected);
    }
  });

  it.each([
    ['a query', { query: LISTS, variables: { first: 2 } }],
    ['an error of a field', { query: PARTLY }],
    ['an error of syntax', { query: '{' }],
    ['an error of validation', { query: '{ nope also }' }],
    ['a bad variable', { query: LISTS, variables: { first: 'x' } }],
    ['an operation that is not there', { query: LISTS, operationName: 'Other' }],
    ['an unknown hash', { extensions: persisted('{ __typename }') }],
  ])('should be answered the same by POST and by GET: %s', async (kind, params) => {
    const texts = Object.entries(params).map(([name, value]): [string, string] => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]);
    for (const headers of [{ accept: 'application/json' }, GRAPHQL, STREAM]) {
      const byPost = await answerOf(open(), posted(kind, params, { headers }));
      const byGet = await answerOf(open(), got(kind, Object.fromEntries(texts), { headers }));
      expect([byGet.status, byGet.text]).toEqual([byPost.status, byPost.text]);
      expect(new Map(byGet.headers).get('content-type')).toBe(new Map(byPost.headers).get('content-type'));
    }
  });
});

it('the events of a subscription should be the same for all, from the first one on', async () => {
  const id = await createThread(open(), 'carol', { n: 0 });
  const streams = await Promise.all([
    subscribe(open(), 'carol', WATCH),
    subscribe(open(), 'carol', WATCH, {}, { origin: ORIGIN }),
    subscribe(openTraced(), 'carol', WATCH, {}, { traceparent: TRACEPARENT }),
  ]);
  onTestFinished(async () => void (await Promise.all(streams.map((stream) => stream.cancel()))));
  const expected: unknown[] = [];
  for (let n = 1; n <= UNTIL_GENERATED; n++) {
    await stores.threads.update(asOwner('carol'), id, { metadata: { n } });
    const thread = { metadata: { n, owner: 'carol' }, runs: { nodes: [] } };
    expected.push({ event: 'next', data: { data: { threadChanged: { kind: 'UPDATED', thread } } } });
  }
  for (const stream of streams) expect(await stream.take(UNTIL_GENERATED)).toEqual(expected);
});
