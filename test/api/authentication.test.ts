import { execute, getIntrospectionQuery, parse } from 'graphql';
import { describe, expect, it } from 'vitest';

import { KeySetUnavailableError } from '../../src/auth/auth-errors.ts';
import { createContext } from '../../src/schema/context.ts';
import { createEventRateLimiter } from '../../src/subscriptions/event-rate-limiter.ts';
import { createClaimWaiters } from '../../src/subscriptions/claim-waiters.ts';
import { createWaits } from '../../src/subscriptions/waits.ts';
import { schema } from '../../src/schema/schema.ts';
import { type FetchedApi, type Answer, openApi, send, post } from '../support/api.ts';
import { codesOf, createThread, valueAt } from '../support/requests.ts';
import { subscribe } from '../support/sse.ts';

/** The response to a request whose token is not accepted. */
const UNAUTHENTICATED = { status: 401, challenge: 'Bearer', codes: ['UNAUTHENTICATED'], data: null };

function refusalOf(answer: Answer) {
  const { status, headers, body } = answer;
  return {
    status,
    challenge: headers.get('www-authenticate'),
    codes: codesOf(answer),
    data: body.data ?? null,
  };
}

function off(): FetchedApi {
  return openApi({ introspection: false }).api;
}

const ALLOWED = [
  '{ __typename }',
  '{ a: __typename b: __schema { queryType { name } } }',
  '{ __type(name: "Run") { fields { name } } }',
  '{ ... { __typename } }',
  '{ ... on Query { ...f } } fragment f on Query { __typename ... { __schema { types { name } } } }',
  'query A { __typename }',
  'mutation { __typename }',
];

const REFUSED = [
  '{ threads { totalCount } }',
  '{ thread(id: "1") { id } }',
  '{ __typename threads { totalCount } }',
  '{ __typename: node(id: "1") { id } }',
  '{ ... { __typename threads { totalCount } } }',
  '{ ... on Query { threads @skip(if: true) { totalCount } } }',
  '{ ...f } fragment f on Query { threads { totalCount } }',
  '{ ...f } fragment f on Query { threads @skip(if: true) { totalCount } }',
  '{ ...f } fragment f on Query { __typename ...g } fragment g on Query { ... on Query { threads { totalCount } } }',
  'query($no: Boolean = false) { __typename threads @include(if: $no) { totalCount } }',
  '{ __typename threads @skip(if: true) { totalCount } }',
  'mutation { createThread { thread { id } } }',
  'subscription { threadChanged { threadId } }',
  '{ nope }',
];

/** A refusal where only a stream is accepted: one result, and the end. */
const REFUSED_IN_STREAM = [
  {
    event: 'next',
    data: { errors: [{ message: expect.any(String), extensions: { code: 'UNAUTHENTICATED' } }] },
  },
  { event: 'complete', data: null },
];

describe('without a token', () => {
  it.each(ALLOWED)('should answer introspection: %s', async (document) => {
    const { api } = openApi();
    const answer = await send(api, null, document);
    expect(answer.status).toBe(200);
    expect(answer.body.errors).toBeUndefined();
  });

  it('should answer what tools ask to know the schema', async () => {
    const answer = await send(openApi().api, null, getIntrospectionQuery());
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ data: { __schema: expect.anything() } });
  });

  it.each(REFUSED)('should refuse anything else: %s', async (document) => {
    const { api, logged } = openApi();
    expect(refusalOf(await send(api, null, document))).toEqual(UNAUTHENTICATED);
    expect(logged).toEqual([]);
  });

  it('should refuse it also when someone with a token has just asked the same', async () => {
    const { api } = openApi();
    for (const document of ['{ threads { totalCount } }', 'mutation { createThread { thread { id } } }']) {
      expect((await send(api, 'alice', document)).body.errors).toBeUndefined();
      expect(refusalOf(await send(api, null, document))).toEqual(UNAUTHENTICATED);
    }
    expect((await send(api, 'alice', '{ threads { totalCount } }')).body.data).toEqual({
      threads: { totalCount: 1 },
    });
  });

  it('should be decided by the operation that is asked for, of several', async () => {
    const { api } = openApi();
    const query =
      'query A { __typename } query B { threads { totalCount } } mutation C { createThread { thread { id } } }';
    const ask = (operationName: string) => post(api, null, JSON.stringify({ query, operationName }));
    expect((await ask('A')).body).toEqual({ data: { __typename: 'Query' } });
    for (const name of ['B', 'C']) expect(refusalOf(await ask(name))).toEqual(UNAUTHENTICATED);
  });

  it('should answer the one operation that is asked for among several of introspection', async () => {
    const { api } = openApi();
    const query = 'query A { __typename } query B { __schema { queryType { name } } }';
    const answer = await post(api, null, JSON.stringify({ query, operationName: 'B' }));
    expect(answer.body).toEqual({ data: { __schema: { queryType: { name: 'Query' } } } });
  });

  it.each(['{ threads { totalCount } }', 'mutation { createThread { thread { id } } }'])(
    'should be refused by the resolvers too, should a request ever reach them: %s',
    async (document) => {
      const { stores, changes } = openApi();
      const shared = {
        changes,
        waits: createWaits(),
        claimWaiters: createClaimWaiters(),
        eventRateLimiter: createEventRateLimiter(),
      };
      const contextValue = createContext(shared, null, stores);
      const { data, errors } = await execute({ schema, document: parse(document), contextValue });
      expect(data).toBeNull();
      expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['UNAUTHENTICATED']);
    },
  );

  it('should say of a syntax error that it is one', async () => {
    const { api } = openApi();
    expect(codesOf(await send(api, null, '{'))).toEqual(['GRAPHQL_PARSE_FAILED']);
  });

  it('should stand fragments that spread each other in a circle', async () => {
    const { api } = openApi();
    const answer = await send(
      api,
      null,
      '{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }',
    );
    expect(new Set(codesOf(answer))).toEqual(new Set(['GRAPHQL_VALIDATION_FAILED']));
  });

  it('should refuse a subscription in the stream, or by the status where JSON is accepted too', async () => {
    const { api } = openApi();
    const document = 'subscription { threadChanged { threadId } }';
    const stream = await subscribe(api, null, document);
    expect(stream.status).toBe(200);
    expect(await stream.rest()).toEqual(REFUSED_IN_STREAM);
    const accept = 'text/event-stream, application/json';
    expect(refusalOf(await send(api, null, document, undefined, { accept }))).toEqual(UNAUTHENTICATED);
  });
});

describe('with a token that is not valid', () => {
  const documents = [...ALLOWED, ...REFUSED, '{', ''];
  const tokens = ['Bearer nonsense', 'Bearer ', 'Basic YTpi', '', 'Bearer a.b.c'];

  it.each(tokens)('should refuse whatever the document asks: %j', async (authorization) => {
    const { api, logged } = openApi();
    for (const document of documents) {
      expect(refusalOf(await send(api, null, document, undefined, { authorization }))).toEqual(
        UNAUTHENTICATED,
      );
    }
    expect(logged).toEqual([]);
  });

  it.each([
    ['not JSON', '{"query":'],
    ['no object', '[]'],
    ['empty', ''],
  ])('should refuse a body that is none: %s', async (_, body) => {
    const { api } = openApi();
    expect(refusalOf(await post(api, null, body, { authorization: 'Bearer nonsense' }))).toEqual(
      UNAUTHENTICATED,
    );
    const text = { authorization: 'Bearer nonsense', 'content-type': 'text/plain' };
    expect(refusalOf(await post(api, null, body, text))).toEqual(UNAUTHENTICATED);
  });

  it('should refuse it in all forms of an answer', async () => {
    const { api } = openApi();
    for (const accept of ['application/graphql-response+json', 'application/json', '*/*']) {
      expect(
        refusalOf(
          await send(api, null, '{ __typename }', undefined, { authorization: 'Bearer nonsense', accept }),
        ),
      ).toEqual(UNAUTHENTICATED);
    }
    const stream = await subscribe(api, null, '{ __typename }', undefined, {
      authorization: 'Bearer nonsense',
    });
    expect(stream.status).toBe(200);
    expect(await stream.rest()).toEqual(REFUSED_IN_STREAM);
  });

  it('should be 503 when no key can tell', async () => {
    const cause = new KeySetUnavailableError();
    const { api, logged } = openApi({ authenticate: () => Promise.reject(cause) });
    const answer = await send(api, 'alice', '{ __typename }');
    expect(answer.status).toBe(503);
    expect(codesOf(answer)).toEqual(['SERVICE_UNAVAILABLE']);
    expect(answer.headers.has('www-authenticate')).toBe(false);
    expect(logged).toEqual([cause]);
  });

  it('should be INTERNAL_SERVER_ERROR when the check itself fails, and let nobody in', async () => {
    const cause = new TypeError('broken');
    const { api, logged } = openApi({ authenticate: () => Promise.reject(cause) });
    const answer = await send(api, 'alice', '{ threads { totalCount } }');
    expect(codesOf(answer)).toEqual(['INTERNAL_SERVER_ERROR']);
    expect(answer.body.data ?? null).toBeNull();
    expect(answer.text).not.toContain('broken');
    expect(logged).toEqual([cause]);
  });
});

describe('with introspection off', () => {
  it.each([...ALLOWED, ...REFUSED, '{', ''])(
    'should refuse everything without a token: %s',
    async (document) => {
      expect(refusalOf(await send(off(), null, document))).toEqual(UNAUTHENTICATED);
    },
  );

  it.each([
    ['not JSON', '{"query":'],
    ['empty', ''],
    ['a list', '[]'],
  ])('should refuse a body that is none without a token: %s', async (_, body) => {
    expect(refusalOf(await post(off(), null, body))).toEqual(UNAUTHENTICATED);
  });

  it('should refuse introspection with a token, wherever it is, and answer __typename', async () => {
    const api = off();
    for (const document of [
      '{ __schema { queryType { name } } }',
      '{ ...f } fragment f on Query { t: __type(name: "Run") { name } }',
      getIntrospectionQuery(),
    ]) {
      const answer = await send(api, 'alice', document);
      expect(new Set(codesOf(answer))).toEqual(new Set(['GRAPHQL_VALIDATION_FAILED']));
      expect(answer.body.data).toBeUndefined();
    }
    await createThread(api, 'alice');
    const answer = await send(api, 'alice', '{ __typename threads { __typename nodes { __typename } } }');
    expect(answer.body).toEqual({
      data: {
        __typename: 'Query',
        threads: { __typename: 'ThreadConnection', nodes: [{ __typename: 'Thread' }] },
      },
    });
  });

  const misspelt: [document: string, variables?: Record<string, unknown>][] = [
    ['{ asistant(id: 1) { id } }'],
    ['{ threads { totalcount } }'],
    ['{ threads(frist: 1) { totalCount } }'],
    ['{ runs(filter: {status: [SUCESS]}) { totalCount } }'],
    ['{ runs(filter: {threadid: "1"}) { totalCount } }'],
    ['query($f: RunFilterInptu) { runs(filter: $f) { totalCount } }'],
    ['{ node(id: 1) { version } }'],
    ['query($f: RunFilterInput) { runs(filter: $f) { totalCount } }', { f: { threadid: '1' } }],
    ['query($s: [RunStatus!]) { runs(filter: {status: $s}) { totalCount } }', { s: ['SUCESS'] }],
  ];

  it.each(misspelt)('should not say what else there is: %s', async (document, variables) => {
    const hint = /Did you mean/;
    const closed = await send(off(), 'alice', document, variables);
    const open = await send(openApi().api, 'alice', document, variables);
    expect(open.text).toMatch(hint);
    expect(closed.text).not.toMatch(hint);
    expect(codesOf(closed)).toEqual(codesOf(open));
    expect(closed.status).toBe(open.status);
  });

  it('should not be talked into it by what a client writes', async () => {
    const query = 'query($f: RunFilterInput) { runs(filter: $f) { totalCount } }';
    for (const key of [' Did you mean that?', ' Did you mean to hide']) {
      const variables = { f: { [key]: 1, '?': 1, threadid: '1' } };
      expect((await send(openApi().api, 'alice', query, variables)).text).toContain('threadId');
      expect((await send(off(), 'alice', query, variables)).text).not.toContain('threadId');
    }
  });

  it('should not hide more than that', async () => {
    const answer = await send(off(), 'alice', '{ asistant(id: 1) { id } }');
    expect(answer.body.errors?.[0]?.message).toBe('Cannot query field "asistant" on type "Query".');
  });
});

describe('with a valid token', () => {
  it('should speak for its owner, in each request anew', async () => {
    const { api } = openApi();
    for (const owner of ['alice', 'bob', 'alice']) await createThread(api, owner);
    const counts: unknown[] = [];
    for (const owner of ['alice', 'bob', 'carol', 'alice']) {
      counts.push(valueAt(await send(api, owner, '{ threads { totalCount } }'), 'threads', 'totalCount'));
    }
    expect(counts).toEqual([2, 1, 0, 2]);
  });
});
