import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requestIdFrom } from '../../../src/observability/request-id.ts';
import { listen } from '../listen.ts';
import { request } from '../request.ts';
import { openApi, send, tokenFor } from '../../support/api.ts';
import { subscribe } from '../../support/sse.ts';
import { openLogged } from './logged.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const MINE = { 'x-request-id': 'my.Request_1-a' };

/** Stores whose threads cannot be read. */
function failing() {
  const { stores } = openApi();
  return { ...stores, threads: { ...stores.threads, get: failLater } };
}

function failLater(): Promise<never> {
  return Promise.reject(new Error('SELECT secret'));
}

function fail(): never {
  throw new Error('SELECT secret');
}

function page(): string {
  return '<html></html>';
}

describe('the id of a request', () => {
  it.each(['a', 'x'.repeat(128), '0', '4bf92f35-77b3', 'A.b_c-9'])('should be the client’s own: %s', (id) => {
    expect(requestIdFrom(id)).toBe(id);
  });

  it.each([
    [''],
    ['x'.repeat(129)],
    ['a b'],
    ['a\n'],
    ['a"b'],
    ['a,b'],
    ['é'],
    ['a/b'],
    ['a:b'],
    [null],
    [undefined],
  ])('should be made where there is none that is sane: %j', (id) => {
    expect(requestIdFrom(id)).toMatch(UUID);
    expect(requestIdFrom(id)).not.toBe(requestIdFrom(id));
  });

  it('should never be a token, however short', async () => {
    const short = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl';
    expect(requestIdFrom(short)).toMatch(UUID);
    expect(requestIdFrom((await tokenFor('alice')).slice(0, 128))).toMatch(UUID);
  });

  it('should be one that can be a header and a part of a line, whatever is sent', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string(), fc.stringMatching(/^[\w.-]{0,140}$/));
    fc.assert(
      fc.property(text, (given) => {
        const id = requestIdFrom(given);
        expect(id).toMatch(/^[A-Za-z0-9._-]{1,128}$/);
        const sane = /^[A-Za-z0-9._-]{1,128}$/.test(given) && !given.includes('eyJ');
        expect(id === given).toBe(sane);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('every answer', () => {
  const POST = { method: 'POST', headers: { ...MINE, 'content-type': 'application/json' } };

  it.each<[string, string, number, Parameters<typeof request>[2]]>([
    ['data', '/graphql?query={__typename}', 200, { as: 'alice', headers: MINE }],
    ['a syntax error', '/graphql?query={', 200, { as: 'alice', headers: MINE }],
    ['an unknown field', '/graphql?query={nothing}', 200, { as: 'alice', headers: MINE }],
    ['no query', '/graphql', 400, { as: 'alice', ...POST, body: '{}' }],
    [
      'no JSON',
      '/graphql',
      415,
      { as: 'alice', ...POST, headers: { ...MINE, 'content-type': 'text/plain' }, body: 'x' },
    ],
    ['no token', '/graphql?query={threads{totalCount}}', 401, { headers: MINE }],
    ['a bad token', '/graphql?query={__typename}', 401, { headers: { ...MINE, authorization: 'Bearer x' } }],
    ['a method that is not served', '/graphql', 405, { as: 'alice', headers: MINE, method: 'DELETE' }],
    ['an unknown path', '/nothing', 404, { headers: MINE }],
    ['a probe', '/health', 200, { headers: MINE }],
    ['a probe', '/ready', 503, { headers: MINE }],
    ['the page', '/graphql', 200, { headers: { ...MINE, accept: 'text/html' } }],
    ['a preflight', '/graphql', 204, { method: 'OPTIONS', headers: { ...MINE, origin: 'http://localhost' } }],
  ])('should bring it back: %s at %s', async (_, path, status, ask) => {
    const { api } = openApi({ page, isReady: () => false });
    const own = await request(api, path, ask);
    expect([own.status, own.headers.get('x-request-id')]).toEqual([status, 'my.Request_1-a']);
    const made = await request(api, path, {
      ...ask,
      headers: { ...ask?.headers, 'x-request-id': 'not sane' },
    });
    expect(made.headers.get('x-request-id')).toMatch(UUID);
  });

  it('should bring it back before a stream, also of a request without one', async () => {
    const { api } = openApi();
    const own = await subscribe(api, 'alice', 'subscription { runChanged { runId } }', {}, MINE);
    const made = await subscribe(api, 'alice', 'subscription { runChanged { runId } }');
    expect(own.headers.get('x-request-id')).toBe('my.Request_1-a');
    expect(made.headers.get('x-request-id')).toMatch(UUID);
    await Promise.all([own.cancel(), made.cancel()]);
  });

  it('should bring it back where a request has no URL', async () => {
    const server = await listen();
    const answer = await server.exchange(
      'GET /graphql HTTP/1.1\r\nHost: a b\r\nX-Request-Id: mine\r\nConnection: close\r\n\r\n',
    );
    await server.close();
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toMatch(/^X-Request-Id: mine\r$/m);
  });

  it('should let pages of other origins read it', async () => {
    const { api } = openApi();
    const { headers } = await send(api, 'alice', '{ __typename }', {}, { origin: 'http://localhost:3000' });
    expect(headers.get('access-control-expose-headers')).toMatch(/\bX-Request-Id\b/);
  });
});

describe('what nobody foresaw', () => {
  it('should be found in the log by the id that the client was told', async () => {
    const { api, lines } = openLogged({ stores: failing() });
    const answer = await send(api, 'alice', '{ thread(id: "1") { id } }', {}, MINE);
    expect(answer.body.errors).toMatchObject([
      { extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: 'my.Request_1-a' } },
    ]);
    expect(answer.text).not.toContain('SELECT');
    expect(lines()).toMatchObject([
      {
        level: 50,
        requestId: 'my.Request_1-a',
        causes: [
          { name: 'Error', message: 'SELECT secret', stack: expect.stringContaining('request-id.test') },
        ],
        msg: 'unexpected error',
      },
      { level: 30, requestId: 'my.Request_1-a', outcome: 'error', errorCode: 'INTERNAL_SERVER_ERROR' },
    ]);
  });

  it('should be told apart where two requests fail at the same time', async () => {
    const { api, lines } = openLogged({ stores: failing() });
    const ids = ['one', 'two', 'three'];
    const answers = await Promise.all(
      ids.map((id) => send(api, 'alice', '{ thread(id: "1") { id } }', {}, { 'x-request-id': id })),
    );
    expect(answers.map(({ body }) => body.errors?.[0]?.extensions)).toEqual(
      ids.map((requestId) => ({ code: 'INTERNAL_SERVER_ERROR', requestId })),
    );
    const causes = lines().filter(({ msg }) => msg === 'unexpected error');
    expect(new Set(causes.map(({ requestId }) => requestId))).toEqual(new Set(ids));
  });

  it('should be found in the log from the event of a stream', async () => {
    const { changes } = openApi();
    const { api, lines } = openLogged({ changes: { ...changes, subscribe: fail } });
    const stream = await subscribe(api, 'alice', 'subscription { runChanged { runId } }', {}, MINE);
    const [event] = await stream.rest();
    expect(event?.data).toMatchObject({
      errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: 'my.Request_1-a' } }],
    });
    expect(lines()[0]).toMatchObject({ requestId: 'my.Request_1-a', msg: 'unexpected error' });
  });

  it('should be found in the log where the page could not be made', async () => {
    const { api, lines } = openLogged({ page: fail });
    const answer = await request(api, '/graphql', { headers: { ...MINE, accept: 'text/html' } });
    expect(answer.status).toBe(500);
    expect(JSON.parse(answer.text)).toMatchObject({
      errors: [{ extensions: { requestId: 'my.Request_1-a' } }],
    });
    expect(lines()).toMatchObject([
      { requestId: 'my.Request_1-a', causes: [{ message: 'SELECT secret' }] },
      { requestId: 'my.Request_1-a', status: 500, outcome: 'error' },
    ]);
  });
});
