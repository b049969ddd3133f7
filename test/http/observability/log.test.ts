import { EventEmitter, once } from 'node:events';
import { hostname } from 'node:os';
import * as fc from 'fast-check';
import { errors } from 'jose';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { UnauthenticatedError } from '../../../src/auth/auth-errors.ts';
import type { CompletedRequest } from '../../../src/observability/completed-request.ts';
import { causesOf } from '../../../src/observability/causes.ts';
import { asOwner } from '../../../src/store/owner.ts';
import { listen, open } from '../listen.ts';
import { graphqlUrl, request } from '../request.ts';
import { aliceFor, openApi, send, tokenFor } from '../../support/api.ts';
import { subscribe } from '../../support/sse.ts';
import { storesThatTake } from './durations.ts';
import { openLogged } from './logged.ts';

const THREADS = 'query Threads { threads(first: 5) { nodes { id } } }';
const CREATE = 'mutation { createThread { thread { id } } }';

describe('the line of a request', () => {
  it('should say what it was, whose, and how it ended', async () => {
    const { api, line } = openLogged();
    await send(api, 'alice', THREADS, {}, { 'x-request-id': 'r1' });
    expect(line()).toEqual({
      level: 30,
      time: expect.any(Number),
      pid: process.pid,
      hostname: hostname(),
      requestId: 'r1',
      method: 'POST',
      path: '/graphql',
      status: 200,
      operationType: 'query',
      operationName: 'Threads',
      owner: expect.stringMatching(/^[0-9a-f]{16}$/),
      cost: expect.any(Number),
      durationMs: expect.any(Number),
      outcome: 'ok',
      msg: 'request',
    });
  });

  it('should say how long it took, in milliseconds', async () => {
    const { api, line } = openLogged({ stores: storesThatTake(1_234) });
    await send(api, 'alice', '{ thread(id: "1") { id } }');
    expect(line()['durationMs']).toBe(1_234);
  });

  it('should be written once for each request, by the time that it is answered', async () => {
    const { api, lines } = openLogged();
    for (const [count, document] of [THREADS, CREATE, '{', '{ nothing }'].entries()) {
      await send(api, 'alice', document);
      expect(lines()).toHaveLength(count + 1);
    }
  });

  it.each([
    ['the only one', 'query One { __typename }', undefined, 'One'],
    [
      'the one asked for',
      'query One { __typename } mutation Two { createThread { thread { id } } }',
      'Two',
      'Two',
    ],
    ['none', '{ __typename }', undefined, undefined],
    ['none of two', 'query One { __typename } query Two { __typename }', undefined, undefined],
    ['one that is not there', 'query One { __typename }', 'Other', undefined],
    ['of 100 characters', `query ${'x'.repeat(100)} { __typename }`, undefined, 'x'.repeat(100)],
    ['of 101 characters', `query ${'x'.repeat(101)} { __typename }`, undefined, 'x'.repeat(100)],
    ['in a document that does not parse', 'query One { ', 'One', undefined],
    ['in a document that is not valid', 'query One { nothing }', undefined, 'One'],
  ])('should name the operation: %s', async (_, query, operationName, expected) => {
    const { api, line } = openLogged();
    await request(api, '/graphql', {
      as: 'alice',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, operationName }),
    });
    expect(line()['operationName']).toBe(expected);
  });

  it.each([
    ['query', '{ __typename }'],
    ['mutation', CREATE],
    [undefined, '{'],
  ])('should name the type of the operation: %s', async (type, document) => {
    const { api, line } = openLogged();
    await send(api, 'alice', document);
    expect(line()['operationType']).toBe(type);
  });

  it.each([
    ['{', 'GRAPHQL_PARSE_FAILED'],
    ['{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
    ['{ threads(first: -1) { totalCount } }', 'BAD_USER_INPUT'],
  ])('should have the code of the first error: %s', async (document, errorCode) => {
    const { api, line } = openLogged();
    const answer = await send(api, 'alice', document);
    expect(answer.body.errors?.[0]?.extensions.code).toBe(errorCode);
    expect(line()).toMatchObject({ outcome: 'error', errorCode, status: answer.status });
  });

  it('should be of a request that went well where the client’s input is refused', async () => {
    const { api, line } = openLogged();
    await send(
      api,
      'alice',
      'mutation { updateRun(input: {id: "x", status: SUCCESS}) { userErrors { code } } }',
    );
    expect(line()).toMatchObject({ outcome: 'ok', status: 200 });
  });

  it('should have the status and no owner where there is no good token', async () => {
    const { api, lines } = openLogged();
    await send(api, null, THREADS);
    await send(api, null, THREADS, {}, { authorization: 'Bearer x' });
    for (const line of lines()) {
      expect(line).toMatchObject({ status: 401, outcome: 'error', errorCode: 'UNAUTHENTICATED' });
      expect(line).not.toHaveProperty('owner');
    }
  });

  it('should not repeat a path that the client made up, a query string, or an unusual method', async () => {
    const { api, written, lines } = openLogged();
    await request(api, '/secret/path?secret=query');
    await request(api, '/graphql/secret');
    await request(api, '/graphql?query={__typename}&secret=1', { as: 'alice' });
    await request(api, '/graphql', { method: 'PROPFIND' });
    expect(lines().map(({ method, path, status }) => [method, path, status])).toEqual([
      ['GET', '(other)', 404],
      ['GET', '(other)', 404],
      ['GET', '/graphql', 200],
      ['(other)', '/graphql', expect.any(Number)],
    ]);
    expect(written.join('').toLowerCase()).not.toMatch(/secret|propfind/);
  });

  it('should be there for probes only at debug', async () => {
    const quiet = openLogged();
    const loud = openLogged({}, 'debug');
    for (const { api } of [quiet, loud]) {
      await request(api, '/health');
      await request(api, '/ready');
    }
    expect(quiet.written).toEqual([]);
    expect(loud.lines()).toMatchObject([
      { level: 20, path: '/health' },
      { level: 20, path: '/ready' },
    ]);
  });

  it('should not be written where the level is above', async () => {
    const { api, written } = openLogged({}, 'warn');
    await send(api, 'alice', THREADS);
    expect(written).toEqual([]);
  });
});

describe('the owner in a line', () => {
  it('should be told apart from others, but not named', async () => {
    const { api, lines, written } = openLogged();
    for (const name of ['alice', 'alice', 'bob']) await send(api, name, THREADS);
    const [first, again, other] = lines().map(({ owner }) => owner);
    expect(again).toBe(first);
    expect(other).not.toBe(first);
    expect(written.join('')).not.toMatch(/alice|bob/);
  });

  it('should be called something else by each server', async () => {
    const servers = [openLogged(), openLogged()];
    for (const { api } of servers) await send(api, 'alice', THREADS);
    const [first, second] = servers.map(({ line }) => line()['owner']);
    expect(first).not.toBe(second);
  });
});

describe('the line of a stream', () => {
  const WATCH = 'subscription Watch { threadChanged { kind } }';

  it('should be written when it ends, with how', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { api, written, lines } = openLogged({ authenticate: aliceFor(60_000) });
    const stream = await subscribe(api, 'alice', WATCH);
    await send(api, 'alice', CREATE);
    expect(lines()).toMatchObject([{ operationType: 'mutation' }]);
    written.length = 0;
    vi.advanceTimersByTime(60_000);
    await stream.rest();
    expect(lines()).toMatchObject([
      {
        operationType: 'subscription',
        operationName: 'Watch',
        status: 200,
        outcome: 'error',
        errorCode: 'UNAUTHENTICATED',
      },
    ]);
  });

  it('should say that it was cut', async () => {
    const { api, subscribers, line } = openLogged();
    const stream = await subscribe(api, 'alice', WATCH);
    subscribers.interrupt();
    await stream.untilCut();
    expect(line()).toMatchObject({ operationType: 'subscription', status: 200, outcome: 'aborted' });
  });

  it('should say that its reader went away', async () => {
    const { api, line } = openLogged();
    const stream = await subscribe(api, 'alice', WATCH);
    await stream.cancel();
    expect(line()).toMatchObject({ operationType: 'subscription', status: 200, outcome: 'aborted' });
  });

  it('should be one, where it could not begin', async () => {
    const { api, line } = openLogged();
    const stream = await subscribe(api, null, WATCH);
    await stream.rest();
    expect(line()).toMatchObject({ outcome: 'error', errorCode: 'UNAUTHENTICATED' });
  });
});

it('should say that a client went away before it was answered, and say so once', async () => {
  const { stores } = openApi();
  const steps = new EventEmitter();
  const get = async () => {
    steps.emit('started');
    await once(steps, 'go on');
    return null;
  };
  const started = once(steps, 'started');
  const { api, lines } = openLogged({ stores: { ...stores, threads: { ...stores.threads, get } } });
  const gone = new AbortController();
  const asked = api.fetch(`http://localhost${graphqlUrl({ query: '{ thread(id: "1") { id } }' })}`, {
    headers: { authorization: `Bearer ${await tokenFor('alice')}` },
    signal: gone.signal,
  });
  await started;
  gone.abort();
  await expect(asked).rejects.toThrow('abort');
  steps.emit('go on');
  await send(api, 'alice', '{ __typename }');
  expect(lines()).toMatchObject([{ status: null, outcome: 'aborted' }, { outcome: 'ok' }]);
});

it('should say that a client went away while its token was checked', async () => {
  const steps = new EventEmitter();
  const authenticate = async () => {
    steps.emit('asked');
    await once(steps, 'known');
    return { owner: asOwner('alice'), worker: null, expiresAt: Date.now() + 60_000 };
  };
  const written = new EventEmitter();
  const observer = (completed: CompletedRequest): void => void written.emit('line', completed);
  const { port, close } = await listen({ authenticate, observers: [observer] });
  const socket = await open(port);
  const asked = once(steps, 'asked');
  const told = once(written, 'line');
  const head =
    'Host: localhost\r\nAuthorization: Bearer a\r\nContent-Type: application/json\r\nContent-Length: 99';
  socket.write(`POST /graphql HTTP/1.1\r\n${head}\r\n\r\n{`);
  await asked;
  socket.destroy();
  expect(await told).toMatchObject([{ status: null, outcome: 'aborted' }]);
  steps.emit('known');
  await close();
});

describe('the causes of an error', () => {
  it('should be named, without what they carry', () => {
    const claims = { sub: 'alice', iat: 1, secret: 'claim' };
    const refused = new errors.JWTClaimValidationFailed(
      'unexpected "aud" claim value',
      claims,
      'aud',
      'check_failed',
    );
    const causes = causesOf(new UnauthenticatedError('No.', { cause: refused }));
    expect(causes).toEqual([
      { name: 'UnauthenticatedError', message: 'No.', stack: expect.any(String) },
      {
        name: 'JWTClaimValidationFailed',
        message: 'unexpected "aud" claim value',
        code: 'ERR_JWT_CLAIM_VALIDATION_FAILED',
        stack: expect.any(String),
      },
      // The claims, which jose keeps there.
      { name: 'a thrown object' },
    ]);
    expect(JSON.stringify(causes)).not.toContain('alice');
  });

  it.each([['a string'], [{ token: 'a string' }], [7]])(
    'should not be repeated when they are no errors: %j',
    (thrown) => {
      expect(causesOf(thrown)).toEqual([{ name: `a thrown ${typeof thrown}` }]);
      expect(causesOf(new Error('x', { cause: thrown }))[1]).toEqual({ name: `a thrown ${typeof thrown}` });
    },
  );

  it('should be bounded, in number and in length', () => {
    const endless = new Error('x'.repeat(100_000));
    endless.cause = endless;
    const causes = causesOf(endless);
    expect(causes).toHaveLength(8);
    expect(JSON.stringify(causes).length).toBeLessThan(50_000);
  });

  it('should be none where nothing was thrown', () => {
    expect(causesOf(undefined)).toEqual([]);
    expect(causesOf(null)).toEqual([]);
  });
});

it('should never write a token, a variable or a document, whatever a client sends', async () => {
  const { stores } = openApi();
  const threads = { ...stores.threads, get: () => Promise.reject(new Error('broken')) };
  const { api, written } = openLogged({ stores: { ...stores, threads } }, 'trace');
  const token = await tokenFor('zoe.zebra');
  // So that what is found in a line was written from there.
  const marked = fc.string({ unit: 'binary', maxLength: 30 }).map((text) => `Zq7${text}Zq7`);
  const name = fc.stringMatching(/^[A-Za-z_]\w{0,150}$/);
  const document = fc.oneof(
    fc.constant('{ __typename @include(if: Zq7) }'),
    fc
      .tuple(name, marked)
      .map(([called, text]) => `query ${called} { thread(id: ${JSON.stringify(text)}) { id } }`),
    fc
      .tuple(name, marked)
      .map(([called, text]) => `query ${called} ($v: String = ${JSON.stringify(text)}) { ${text} }`),
    fc.constant('query Q ($v: ID!) { thread(id: $v) { id } a: __type(name: "Zq7") { name } }'),
    fc.constant('mutation ($v: JSONObject) { createThread(input: {metadata: $v}) { thread { Zq7 } } }'),
    marked,
  );
  const headers = fc.record(
    {
      authorization: fc.constantFrom(`Bearer ${token}`, token, `Bearer ${token}x`, `Bearer  ${token}`),
      'x-request-id': fc.constantFrom(token, token.slice(0, 128), 'fine', 'not fine', token.slice(0, 60)),
      traceparent: fc.constantFrom(token, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'),
      'user-agent': fc.constant('Zq7'),
      accept: fc.constantFrom('*/*', 'text/html', 'application/json', 'Zq7/Zq7'),
    },
    { requiredKeys: [] },
  );
  const body = fc.record({
    query: document,
    variables: fc.oneof(fc.dictionary(fc.constantFrom('v', 'Zq7'), marked), marked),
    operationName: fc.oneof(marked, name, fc.constant(undefined)),
    extensions: fc.oneof(marked, fc.dictionary(marked, marked)),
  });
  const path = fc.constantFrom(
    '/graphql',
    '/graphql?Zq7=Zq7',
    `/graphql/${token}`,
    `/${token}?x=Zq7`,
    '/health',
  );
  await fc.assert(
    fc.asyncProperty(headers, body, path, fc.boolean(), async (sent, content, to, asJson) => {
      written.length = 0;
      await request(api, to, {
        method: 'POST',
        headers: { 'content-type': asJson ? 'application/json' : 'text/plain', ...sent },
        body: JSON.stringify(content),
      });
      expect(written.length).toBeGreaterThan(0);
      for (const line of written) {
        expect(line).toMatch(/^\{[^\n]*\}\n$/);
        expect(JSON.parse(line)).toMatchObject({ requestId: expect.stringMatching(/^[\w.-]{1,128}$/) });
        expect(line).not.toMatch(/Zq7|zoe\.zebra|eyJ/);
        for (const part of token.split('.')) expect(line).not.toContain(part);
      }
    }),
    { numRuns: 300 },
  );
});
