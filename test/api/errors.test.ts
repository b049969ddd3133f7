import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { apiError, ERROR_CODES } from '../../src/errors.ts';
import type { Stores } from '../../src/store/stores.ts';
import { type Answer, openApi, send, post } from '../support/api.ts';
import { codesOf, createAssistant, createRun, createThread, textAt } from '../support/requests.ts';
import { subscribe } from '../support/sse.ts';

/** What every answer with errors is like. */
function expectPublic(answer: Answer): void {
  expect(answer.body.errors?.length).toBeGreaterThan(0);
  for (const error of answer.body.errors ?? []) {
    expect(
      Object.keys(error).filter((key) => !['message', 'locations', 'path', 'extensions'].includes(key)),
    ).toEqual([]);
    // By its id the cause is found in the log.
    const isUnexpected = error.extensions.code === 'INTERNAL_SERVER_ERROR';
    expect(Object.keys(error.extensions)).toEqual(isUnexpected ? ['code', 'requestId'] : ['code']);
    expect(ERROR_CODES).toContain(error.extensions.code);
    expect(error.message.length).toBeLessThanOrEqual(301);
  }
  expect(answer.text).not.toMatch(/node_modules|\.[jt]s:\d|file:\/\/|\bat \w+ \(|stack|originalError/);
  expect(Buffer.byteLength(answer.text)).toBeLessThan(4_096);
}

/** Stores of which every method fails in a way of its own. */
function failing(fail: () => never): Stores {
  const store = {
    create: fail,
    get: fail,
    getMany: fail,
    list: fail,
    count: fail,
    update: fail,
    delete: fail,
  };
  const queue = {
    claim: fail,
    heartbeat: fail,
    appendEvents: fail,
    checkpoint: fail,
    finish: fail,
    runOf: fail,
    release: fail,
  };
  return {
    assistants: store,
    threads: store,
    runs: { ...store, cancel: fail, payload: fail, events: fail },
    queue,
  };
}

/** Stores that work, but for some methods of the threads'. */
function workingBut(methods: Partial<Stores['threads']>): Stores {
  const { stores } = openApi();
  return { ...stores, threads: { ...stores.threads, ...methods } };
}

const many = (count: number, make: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => make(i)).join(' ');

describe('an error in the document', () => {
  it.each([
    ['GRAPHQL_PARSE_FAILED', 'a syntax error', '{'],
    ['GRAPHQL_PARSE_FAILED', 'nothing', ' '],
    ['GRAPHQL_PARSE_FAILED', 'a string that does not end', `{ thread(id: "${'x'.repeat(60_000)}`],
    ['GRAPHQL_PARSE_FAILED', 'a character that is none', '{ \u0007 }'],
    ['GRAPHQL_VALIDATION_FAILED', 'an unknown field', '{ nope }'],
    ['GRAPHQL_VALIDATION_FAILED', 'a missing argument', '{ thread { id } }'],
    ['GRAPHQL_VALIDATION_FAILED', 'no selection', '{ threads }'],
    ['GRAPHQL_VALIDATION_FAILED', 'an unknown type', 'query($x: Nope) { __typename }'],
    ['GRAPHQL_VALIDATION_FAILED', 'a fragment of itself', '{ ...a } fragment a on Query { ...a }'],
    [
      'GRAPHQL_VALIDATION_FAILED',
      'two fields in a subscription',
      'subscription { runChanged { runId } threadChanged { threadId } }',
    ],
    ['BAD_USER_INPUT', 'a schema', 'type Query { a: Int }'],
    ['GRAPHQL_VALIDATION_FAILED', 'a name of 60 KB', `{ ${'x'.repeat(60_000)} }`],
    ['GRAPHQL_VALIDATION_FAILED', 'a type of 60 KB', `query($x: ${'x'.repeat(60_000)}) { __typename }`],
    [
      'GRAPHQL_VALIDATION_FAILED',
      'hundreds of unknown fields',
      `{ thread(id: 1) { ${many(499, (i) => `nope${i}`)} } }`,
    ],
    [
      'GRAPHQL_VALIDATION_FAILED',
      'hundreds of long names',
      `{ thread(id: 1) { ${many(100, (i) => `${'x'.repeat(600)}${i}`)} } }`,
    ],
    [
      'GRAPHQL_VALIDATION_FAILED',
      'one argument a thousand times',
      `{ thread(${many(1_000, () => 'id: 1')}) { id } }`,
    ],
    [
      'GRAPHQL_VALIDATION_FAILED',
      'one variable a thousand times',
      `query(${many(1_000, () => '$a: ID')}) { __typename }`,
    ],
    [
      'GRAPHQL_VALIDATION_FAILED',
      'a circle of hundreds of fragments',
      `{ ...f0 } ${many(499, (i) => `fragment f${i} on Query { ...f${(i + 1) % 499} }`)}`,
    ],
    [
      'GRAPHQL_VALIDATION_FAILED',
      'long values of many bytes',
      `{ ${many(20, (i) => `a${i}: threads(first: "${'字'.repeat(300)}") { totalCount }`)} }`,
    ],
    [
      'GRAPHQL_VALIDATION_FAILED',
      'emoji at every place where it can be cut',
      `{ ${many(9, (i) => `a${i}: threads(first: "${'x'.repeat(i)}${'👍'.repeat(300)}") { totalCount }`)} }`,
    ],
    ['BAD_USER_INPUT', 'an alias of 60 KB', `{ ${'x'.repeat(60_000)}: threads(first: -1) { totalCount } }`],
    ['BAD_USER_INPUT', 'several operations', 'query A { __typename } query B { __typename }'],
    ['BAD_USER_INPUT', 'no operation', 'fragment a on Query { __typename }'],
  ])('should be %s: %s', async (code, _, document) => {
    const { api, logged } = openApi();
    const answer = await send(api, 'alice', document);
    expectPublic(answer);
    expect(new Set(codesOf(answer))).toEqual(new Set([code]));
    expect(answer.body.data ?? null).toBeNull();
    expect(answer.status).toBeLessThan(500);
    expect(logged).toEqual([]);
  });

  it('should say where', async () => {
    const { api } = openApi();
    const { body } = await send(api, 'alice', '{\n  threads(first: 101) { totalCount }\n}');
    expect(body.errors).toEqual([
      {
        message: '`first` must be a number from 0 to 100.',
        locations: [{ line: 2, column: 3 }],
        path: ['threads'],
        extensions: { code: 'BAD_USER_INPUT' },
      },
    ]);
  });

  it('should keep the other fields of an answer where it can', async () => {
    const { api } = openApi();
    const id = await createThread(api, 'alice');
    const answer = await send(
      api,
      'alice',
      'query($id: ID!) { one: thread(id: $id) { runs(first: -1) { totalCount } } two: thread(id: $id) { id } }',
      { id },
    );
    expectPublic(answer);
    expect(answer.body.data).toEqual({ one: null, two: { id } });
    expect(answer.body.errors?.map(({ path }) => path)).toEqual([['one', 'runs']]);
  });

  it('should stand in the order of the document and of its lists, whichever happened first', async () => {
    const { api, stores } = openApi();
    const assistant = await createAssistant(api, 'alice');
    const thread = await createThread(api, 'alice');
    for (let i = 0; i < 12; i++) await createRun(api, 'alice', thread, assistant);
    let turns = 13;
    const get = async (): Promise<never> => {
      await inTurns(turns--);
      throw apiError('BAD_USER_INPUT', 'Gone.');
    };
    const late = openApi({ stores: { ...stores, threads: { ...stores.threads, get } } });
    const { body } = await send(
      late.api,
      'alice',
      `{ slow: thread(id: 1) { id } runs { nodes { ...OfRun } } again: thread(id: 1) { id } }
       fragment OfRun on Run { thread { id } }`,
    );
    const nodes = Array.from({ length: 12 }, (_, i) => ['runs', 'nodes', i, 'thread']);
    expect(body.errors?.map(({ path }) => path)).toEqual([['slow'], ['again'], ...nodes]);
    expect(turns).toBe(-1);
  });
});

async function inTurns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await nextTurn();
}

describe('an error in the variables', () => {
  const STATUS = 'query($v: [RunStatus!]) { runs(filter: {status: $v}) { totalCount } }';
  it.each([
    ['a required one missing', 'query($v: ID!) { thread(id: $v) { id } }', undefined],
    ['a required one null', 'query($v: ID!) { thread(id: $v) { id } }', null],
    ['a string for an enum', STATUS, 'DONE'],
    ['hundreds of long strings', STATUS, Array.from({ length: 500 }, () => 'x'.repeat(500))],
    ['a string of 60 KB', STATUS, '字'.repeat(20_000)],
    ['control characters', STATUS, Array.from({ length: 50 }, () => '\u0001'.repeat(300))],
    [
      'an unknown key',
      'query($v: RunFilterInput) { runs(filter: $v) { totalCount } }',
      { [`k${'x'.repeat(60_000)}`]: 1 },
    ],
    [
      'hundreds of unknown keys',
      'query($v: RunFilterInput) { runs(filter: $v) { totalCount } }',
      Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`k${i}`, i])),
    ],
    ['a float for an integer', 'query($v: Int) { runs(first: $v) { totalCount } }', 1.5],
  ])('should be BAD_USER_INPUT: %s', async (_, document, v) => {
    const { api, logged } = openApi();
    const answer = await send(api, 'alice', document, { v });
    expectPublic(answer);
    expect(new Set(codesOf(answer))).toEqual(new Set(['BAD_USER_INPUT']));
    expect(answer.body.data ?? null).toBeNull();
    expect(logged).toEqual([]);
  });
});

describe('a request that is none', () => {
  it.each([
    ['not JSON', '{"query":'],
    ['empty', ''],
    ['null', 'null'],
    ['a list', '[{"query":"{ __typename }"}]'],
    ['a list of nothing', '[]'],
    ['a string', '"{ __typename }"'],
    ['without a query', '{}'],
    ['with a query that is no text', '{"query":{"kind":"Document"}}'],
    ['with variables that are no object', '{"query":"{ __typename }","variables":"x"}'],
    ['with a list of variables', '{"query":"{ __typename }","variables":[1]}'],
    ['with an unknown parameter', `{"query":"{ __typename }","${'x'.repeat(60_000)}":1}`],
    [
      'with an operation that is not there',
      `{"query":"query A { __typename }","operationName":"${'x'.repeat(60_000)}"}`,
    ],
    ['with an operation name that is no text', '{"query":"query A { __typename }","operationName":7}'],
  ])('should be BAD_USER_INPUT: %s', async (_, body) => {
    const { api, logged } = openApi();
    const answer = await post(api, 'alice', body);
    expectPublic(answer);
    expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(logged).toEqual([]);
  });
});

describe('what nobody foresaw', () => {
  const secret = new Error('SELECT secret FROM /etc/passwd', { cause: new TypeError('inner') });

  const throwing = () =>
    failing(() => {
      throw secret;
    });
  const rejecting = () =>
    workingBut({ get: () => Promise.reject(secret), create: () => Promise.reject(secret) });

  it.each([
    ['thrown', throwing],
    ['a promise', rejecting],
  ])('should be INTERNAL_SERVER_ERROR, its cause in the log alone: %s', async (_, make) => {
    for (const document of ['{ thread(id: "1") { id } }', 'mutation { createThread { thread { id } } }']) {
      const { api, logged } = openApi({ stores: make() });
      const answer = await send(api, 'alice', document);
      expectPublic(answer);
      expect(codesOf(answer)).toEqual(['INTERNAL_SERVER_ERROR']);
      expect(answer.text).toContain('"message":"Unexpected error."');
      expect(answer.text).not.toMatch(/SELECT|passwd|inner/);
      expect(logged).toEqual([secret]);
    }
  });

  it.each([
    ['a string'],
    [undefined],
    [null],
    [{ message: 'SELECT', extensions: { code: 'BAD_USER_INPUT' } }],
  ])('should be so when it is no Error: %j', async (thrown) => {
    const stores = workingBut({
      get: () => {
        throw thrown;
      },
    });
    const { api, logged } = openApi({ stores });
    const answer = await send(api, 'alice', '{ thread(id: "1") { id } }');
    expectPublic(answer);
    expect(codesOf(answer)).toEqual(['INTERNAL_SERVER_ERROR']);
    expect(answer.text).not.toContain('SELECT');
    expect(logged).toHaveLength(1);
  });

  it('should be told of by one error for each field, and by one line each in the log', async () => {
    const { api, logged } = openApi({ stores: rejecting() });
    const answer = await send(
      api,
      'alice',
      '{ a: thread(id: "1") { id } b: thread(id: "2") { id } assistants { totalCount } }',
    );
    expectPublic(answer);
    expect(codesOf(answer)).toEqual(['INTERNAL_SERVER_ERROR', 'INTERNAL_SERVER_ERROR']);
    expect(answer.body.data).toEqual({ a: null, b: null, assistants: { totalCount: 0 } });
    expect(logged).toEqual([secret, secret]);
  });

  it('should be known when a store has a message for the caller, with its HTTP status', async () => {
    const stores = workingBut({
      get: () => {
        throw apiError('SERVICE_UNAVAILABLE', 'Come again.', { status: 503 });
      },
    });
    const { api, logged } = openApi({ stores });
    const answer = await send(api, 'alice', '{ thread(id: "1") { id } }');
    expectPublic(answer);
    expect(answer.status).toBe(503);
    expect(codesOf(answer)).toEqual(['SERVICE_UNAVAILABLE']);
    expect(logged).toEqual([]);
  });

  it('should come as an event from within a subscription, which goes on', async () => {
    const { stores, changes } = openApi();
    let failures = 1;
    const threads = {
      ...stores.threads,
      get: (...args: Parameters<typeof stores.threads.get>) => {
        if (failures-- > 0) throw secret;
        return stores.threads.get(...args);
      },
    };
    const { api, logged } = openApi({ stores: { ...stores, threads }, changes });
    const assistant = await send(
      api,
      'alice',
      'mutation { createAssistant(input: {graphId: "g"}) { assistant { id } } }',
    );
    const threadId = await createThread(api, 'alice');
    const stream = await subscribe(
      api,
      'alice',
      'subscription { runChanged { kind run { thread { id } } } }',
    );
    const input = { threadId, assistantId: textAt(assistant, 'createAssistant', 'assistant', 'id') };
    for (let i = 0; i < 2; i++) {
      await send(
        api,
        'alice',
        'mutation($input: CreateRunInput!) { createRun(input: $input) { run { id } } }',
        { input },
      );
    }
    const [failed, fine] = await stream.take(2);
    expect(failed?.data).toEqual({
      data: { runChanged: { kind: 'CREATED', run: { thread: null } } },
      errors: [
        {
          message: 'Unexpected error.',
          locations: expect.anything(),
          path: ['runChanged', 'run', 'thread'],
          extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: stream.headers.get('x-request-id') },
        },
      ],
    });
    expect(fine?.data).toEqual({
      data: { runChanged: { kind: 'CREATED', run: { thread: { id: threadId } } } },
    });
    expect(logged).toEqual([secret]);
    await stream.cancel();
  });

  it('should come as the only event when a subscription cannot begin', async () => {
    const { changes } = openApi();
    const subscribeFails = () => {
      throw secret;
    };
    const { api, logged } = openApi({ changes: { ...changes, subscribe: subscribeFails } });
    const stream = await subscribe(api, 'alice', 'subscription { runChanged { runId } }');
    const events = await stream.rest();
    expect(JSON.stringify(events)).not.toMatch(/SELECT|passwd/);
    expect(events).toMatchObject([
      { event: 'next', data: { errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }] } },
      { event: 'complete' },
    ]);
    expect(logged).toEqual([secret]);
  });
});
