import { describe, expect, it } from 'vitest';
import { type ChangeFeed, createChangeFeed } from '../../src/subscriptions/change-feed.ts';
import { openApi } from '../support/api.ts';
import { codesOf, graphqlUrl, INNARDS, NO_THREADS, post, request, threadsOf } from './request.ts';

const JSON_ONLY = 'application/json';
const GRAPHQL = 'application/graphql-response+json';
const THREAD = 'query ($id: ID!) { thread(id: $id) { id } }';

/** A body, what it is answered, and its status for those who accept `application/json` and those who accept more. */
type Case = readonly [kind: string, body: unknown, codes: string[], json: number, graphql: number];

const ANSWERED: readonly Case[] = [
  ['a query', { query: '{ __typename }' }, [], 200, 200],
  [
    'a query with parameters that are null',
    { query: '{ __typename }', variables: null, extensions: null, operationName: null },
    [],
    200,
    200,
  ],
  ['a query with empty parameters', { query: '{ __typename }', variables: {}, extensions: {} }, [], 200, 200],
  [
    'one of two operations',
    { query: 'query A { __typename } query B { __typename }', operationName: 'B' },
    [],
    200,
    200,
  ],
  ['a field that fails', { query: '{ threads(first: 101) { totalCount } }' }, ['BAD_USER_INPUT'], 200, 200],
  ['a syntax error', { query: '{' }, ['GRAPHQL_PARSE_FAILED'], 200, 400],
  ['an empty document', { query: '' }, ['GRAPHQL_PARSE_FAILED'], 200, 400],
  ['an unknown field', { query: '{ nope }' }, ['GRAPHQL_VALIDATION_FAILED'], 200, 400],
  [
    'an operation that is not there',
    { query: 'query A { __typename }', operationName: 'B' },
    ['BAD_USER_INPUT'],
    400,
    400,
  ],
  [
    'two operations and no name',
    { query: 'query A { __typename } query B { __typename }' },
    ['BAD_USER_INPUT'],
    400,
    400,
  ],
  ['a variable that is missing', { query: THREAD }, ['BAD_USER_INPUT'], 400, 400],
  ['a variable of a wrong type', { query: THREAD, variables: { id: {} } }, ['BAD_USER_INPUT'], 400, 400],
];

const REFUSED = [
  ['half an object', '{'],
  ['no body', ''],
  ['text', 'query { __typename }'],
  ['null', 'null'],
  ['a string', '"{ __typename }"'],
  ['a number', '1'],
  ['an empty array', '[]'],
  ['a batch', '[{"query":"{ __typename }"}]'],
  ['no query', '{}'],
  ['a query that is null', '{"query":null}'],
  ['a query that is a number', '{"query":1}'],
  ['a query that is an array', '{"query":["{ __typename }"]}'],
  ...['"x"', '1', 'true', '[]'].flatMap((value) =>
    ['variables', 'extensions'].map((name) => [
      `${name} that are ${value}`,
      `{"query":"{ __typename }","${name}":${value}}`,
    ]),
  ),
  ...['1', 'true', '{}', '[]'].map((value) => [
    `an operationName that is ${value}`,
    `{"query":"query A { __typename }","operationName":${value}}`,
  ]),
  ['an unknown parameter', '{"query":"{ __typename }","id":"1"}'],
];

describe('POST /graphql', () => {
  it.each(ANSWERED)('should answer %s', async (_kind, body, codes, json, graphql) => {
    const { api } = openApi();
    for (const [accept, type, status] of [
      [JSON_ONLY, JSON_ONLY, json],
      ['*/*', JSON_ONLY, json],
      [GRAPHQL, GRAPHQL, graphql],
      [`${GRAPHQL}, ${JSON_ONLY};q=0.9`, GRAPHQL, graphql],
    ] as const) {
      const answer = await post(api, JSON.stringify(body), accept);
      expect({ accept, status: answer.status, codes: codesOf(answer.text) }).toEqual({
        accept,
        status,
        codes,
      });
      expect(answer.headers.get('content-type')).toBe(`${type}; charset=utf-8`);
    }
  });

  it.each(REFUSED)('should refuse %s', async (_kind, body) => {
    const { api, logged } = openApi();
    for (const accept of [JSON_ONLY, GRAPHQL]) {
      const { status, text } = await post(api, body, accept);
      expect({ accept, status, codes: codesOf(text) }).toEqual({
        accept,
        status: 400,
        codes: ['BAD_USER_INPUT'],
      });
      expect(text).not.toMatch(INNARDS);
    }
    expect(logged).toEqual([]);
  });

  it('should leave out data where the request failed, and not where a field did', async () => {
    const { api } = openApi();
    const failed = await post(api, '{"query":"{ nope }"}', GRAPHQL);
    expect(JSON.parse(failed.text)).not.toHaveProperty('data');
    const field = await post(api, '{"query":"{ threads(first: 101) { totalCount } }"}', GRAPHQL);
    expect(JSON.parse(field.text)).toHaveProperty('data', null);
  });

  it('should execute a mutation', async () => {
    const { api } = openApi();
    const { status } = await post(api, '{"query":"mutation { createThread { thread { id } } }"}', GRAPHQL);
    expect(status).toBe(200);
    expect(await threadsOf(api)).toEqual({ data: { threads: { totalCount: 1 } } });
  });

  it.each(['image/png', 'text/html', 'application/xml, text/plain', 'application/json;charset=latin1'])(
    'should refuse before a mutation that accepts %s is executed',
    async (accept) => {
      const { api } = openApi();
      const { status } = await post(api, '{"query":"mutation { createThread { thread { id } } }"}', accept);
      expect(status).toBe(406);
      expect(await threadsOf(api)).toEqual(NO_THREADS);
    },
  );

  it.each([
    'application/*',
    'Application/JSON',
    'image/png, */*;q=0.1',
    'application/json; charset=UTF-8',
    '',
  ])('should answer who accepts %j', async (accept) => {
    const { status } = await post(openApi().api, '{"query":"{ __typename }"}', accept);
    expect(status).toBe(200);
  });

  it.each([JSON_ONLY, GRAPHQL, 'image/png', 'multipart/mixed'])(
    'should open no stream for who accepts %s',
    async (accept) => {
      let opened = 0;
      const changes = createChangeFeed();
      const subscribe: ChangeFeed['subscribe'] = (...args) => {
        opened += 1;
        return changes.subscribe(...args);
      };
      const { api } = openApi({ changes: { ...changes, subscribe } });
      const { status } = await post(api, '{"query":"subscription { threadChanged { threadId } }"}', accept);
      expect({ status, opened }).toEqual({ status: 406, opened: 0 });
    },
  );
});

describe('GET /graphql', () => {
  it('should answer a query with variables, extensions and an operation name', async () => {
    const query = 'query A { __typename } query B($id: ID!) { thread(id: $id) { id } }';
    const parameters = { query, operationName: 'B', variables: '{"id":"x"}', extensions: '{}' };
    const { status, text } = await request(openApi().api, graphqlUrl(parameters), { as: 'alice' });
    expect({ status, body: JSON.parse(text) }).toEqual({ status: 200, body: { data: { thread: null } } });
  });

  it.each<[string, Record<string, string>, number, string]>([
    ['a syntax error', { query: '{' }, 400, 'GRAPHQL_PARSE_FAILED'],
    ['a lone percent sign', { query: '%' }, 400, 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', { query: '{ nope }' }, 400, 'GRAPHQL_VALIDATION_FAILED'],
    ['no query', { foo: 'bar' }, 400, 'BAD_USER_INPUT'],
    ['half of the variables', { query: '{ __typename }', variables: '{' }, 400, 'BAD_USER_INPUT'],
    ['variables that are text', { query: '{ __typename }', variables: 'x' }, 400, 'BAD_USER_INPUT'],
    ['variables that are a list', { query: '{ __typename }', variables: '[]' }, 400, 'BAD_USER_INPUT'],
    ['variables that are a number', { query: '{ __typename }', variables: '1' }, 400, 'BAD_USER_INPUT'],
    ['half of the extensions', { query: '{ __typename }', extensions: '{' }, 400, 'BAD_USER_INPUT'],
    ['extensions that are a string', { query: '{ __typename }', extensions: '"x"' }, 400, 'BAD_USER_INPUT'],
  ])('should refuse %s', async (_kind, parameters, status, code) => {
    const { api, logged } = openApi();
    const answer = await request(api, graphqlUrl(parameters), { as: 'alice', headers: { accept: GRAPHQL } });
    expect({ status: answer.status, codes: codesOf(answer.text) }).toEqual({ status, codes: [code] });
    expect(answer.text).not.toMatch(INNARDS);
    expect(logged).toEqual([]);
  });

  it.each([JSON_ONLY, GRAPHQL])('should refuse a mutation to who accepts %s', async (accept) => {
    const { api } = openApi();
    const path = graphqlUrl({ query: 'mutation { createThread { thread { id } } }' });
    const { status, headers } = await request(api, path, { as: 'alice', headers: { accept } });
    expect({ status, allow: headers.get('allow') }).toEqual({ status: 405, allow: 'POST' });
    expect(await threadsOf(api)).toEqual(NO_THREADS);
  });

  it('should refuse a mutation in a stream to who accepts only that', async () => {
    const { api } = openApi();
    const path = graphqlUrl({ query: 'mutation { createThread { thread { id } } }' });
    const headers = { accept: 'text/event-stream' };
    const { status, text } = await request(api, path, { as: 'alice', headers });
    expect(status).toBe(200);
    expect(text).toMatch(
      /^:\n\nevent: next\ndata: \{"errors":\[.*"BAD_USER_INPUT".*\}\n\nevent: complete\ndata:\n\n$/,
    );
    expect(await threadsOf(api)).toEqual(NO_THREADS);
  });

  it('should refuse a mutation that is named among queries', async () => {
    const { api } = openApi();
    const query = 'query A { __typename } mutation B { createThread { thread { id } } }';
    const refused = await request(api, graphqlUrl({ query, operationName: 'B' }), { as: 'alice' });
    expect(refused.status).toBe(405);
    const answered = await request(api, graphqlUrl({ query, operationName: 'A' }), { as: 'alice' });
    expect(answered.status).toBe(200);
    expect(await threadsOf(api)).toEqual(NO_THREADS);
  });
});

describe('other methods at /graphql', () => {
  it.each(['HEAD', 'PUT', 'PATCH', 'DELETE'])('should be refused: %s', async (method) => {
    const { api } = openApi();
    const { status, headers } = await request(api, '/graphql', { as: 'alice', method });
    expect({ status, allow: headers.get('allow') }).toEqual({ status: 405, allow: 'GET, POST' });
  });
});
