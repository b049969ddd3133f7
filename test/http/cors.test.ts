import { describe, expect, it, onTestFinished } from 'vitest';
import { type Ask, request } from './request.ts';
import { openApi, send, tokenFor } from '../support/api.ts';

type Headers = Awaited<ReturnType<typeof request>>['headers'];

/** All that tells a browser whether it may read the answer. */
function corsHeaders(headers: Headers): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-')));
}

/** What the HTTP contract promises, within the reach of pages. */
const EXPOSED = 'X-Request-Id, Retry-After, WWW-Authenticate, Allow';

function allowing(origin: string): unknown {
  return expect.objectContaining({
    'access-control-allow-origin': origin,
    'access-control-expose-headers': EXPOSED,
  });
}

const PREFLIGHT: Ask = {
  method: 'OPTIONS',
  headers: {
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type,x-other',
  },
};
const LISTED = ['https://app.example.com', 'http://localhost:3000'];

/** Asks as a page of an origin would: a request, and the preflight before it. */
async function askFrom(origin: string, corsOrigins: readonly string[] | 'localhost') {
  const { api } = openApi({ corsOrigins });
  const answer = await send(api, 'alice', '{ __typename }', {}, { origin });
  const preflight = await request(api, '/graphql', {
    ...PREFLIGHT,
    headers: { ...PREFLIGHT.headers, origin },
  });
  return { answer, preflight };
}

describe('an origin that is accepted', () => {
  it.each<[string, readonly string[] | 'localhost']>([
    ['http://localhost', 'localhost'],
    ['http://localhost:3000', 'localhost'],
    ['https://localhost:8443', 'localhost'],
    ['http://127.0.0.1:5173', 'localhost'],
    ['http://[::1]:5173', 'localhost'],
    ['http://app.localhost:3000', 'localhost'],
    ['http://a.b.localhost', 'localhost'],
    ['https://app.example.com', LISTED],
    ['http://localhost:3000', LISTED],
  ])('should be told so: %s of %j', async (origin, corsOrigins) => {
    const { answer, preflight } = await askFrom(origin, corsOrigins);
    expect(answer.status).toBe(200);
    expect(corsHeaders(answer.headers)).toEqual(allowing(origin));
    expect(preflight.status).toBe(204);
    expect(corsHeaders(preflight.headers)).toEqual({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers':
        'authorization, content-type, traceparent, tracestate, baggage, sentry-trace, x-request-id',
      'access-control-expose-headers': EXPOSED,
      'access-control-max-age': '7200',
    });
  });
});

describe('an origin that is refused', () => {
  it.each<[string, readonly string[] | 'localhost']>([
    ['null', 'localhost'],
    ['', 'localhost'],
    ['*', 'localhost'],
    ['localhost', 'localhost'],
    ['file://', 'localhost'],
    ['http://localhost.evil.com', 'localhost'],
    ['http://evillocalhost', 'localhost'],
    ['http://.localhost.evil.com', 'localhost'],
    ['http://evil.com/localhost', 'localhost'],
    ['http://evil.com#localhost', 'localhost'],
    ['http://localhost@evil.com', 'localhost'],
    ['http://127.0.0.1.evil.com', 'localhost'],
    ['http://127.0.0.2', 'localhost'],
    ['http://10.0.0.1', 'localhost'],
    ['http://[::2]', 'localhost'],
    ['null', LISTED],
    ['https://app.example.com.evil.com', LISTED],
    ['https://APP.example.com', LISTED],
    ['http://app.example.com', LISTED],
    ['https://app.example.com:8443', LISTED],
    ['https://example.com', LISTED],
    ['http://localhost:3001', LISTED],
    ['http://localhost:3000', []],
    ['http://127.0.0.1', []],
  ])('should see no CORS header: %j of %j', async (origin, corsOrigins) => {
    const { answer, preflight } = await askFrom(origin, corsOrigins);
    expect(corsHeaders(answer.headers)).toEqual({});
    expect(corsHeaders(preflight.headers)).toEqual({});
  });

  it('should see none without an origin', async () => {
    const { api } = openApi();
    const { headers } = await send(api, 'alice', '{ __typename }');
    expect(corsHeaders(headers)).toEqual({});
  });
});

/** Answers of every kind, by what asks for them. */
const KINDS: readonly (readonly [kind: string, path: string, ask: Ask, status: number])[] = [
  ['an answer', '/graphql?query={__typename}', {}, 200],
  ['a page', '/graphql', { headers: { accept: 'text/html' } }, 200],
  ['a probe', '/health', {}, 200],
  ['a preflight', '/graphql', PREFLIGHT, 204],
  ['an invalid request', '/graphql', {}, 400],
  ['a missing token', '/graphql?query={threads{totalCount}}', {}, 401],
  ['a bad token', '/graphql?query={__typename}', { headers: { authorization: 'Bearer x' } }, 401],
  ['an unknown path', '/x', {}, 404],
  ['a wrong method', '/graphql', { method: 'PUT' }, 405],
  ['a form', '/graphql', { method: 'POST', body: 'query={__typename}' }, 415],
  ['a server that is not ready', '/ready', {}, 503],
];

describe('answers to browsers', () => {
  it.each(KINDS)(
    'should vary by the origin, and be for those accepted to read: %s',
    async (_kind, path, ask, status) => {
      const { api } = openApi({ page: () => '<p>', isReady: () => false });
      const origin = 'http://localhost:3000';
      const accepted = await request(api, path, { ...ask, headers: { ...ask.headers, origin } });
      expect(accepted.status).toBe(status);
      expect(corsHeaders(accepted.headers)).toEqual(allowing(origin));

      const refused = await request(api, path, {
        ...ask,
        headers: { ...ask.headers, origin: 'https://evil.com' },
      });
      const none = await request(api, path, ask);
      for (const { headers } of [refused, none]) expect(corsHeaders(headers)).toEqual({});
      for (const { headers } of [accepted, refused, none]) expect(headers.get('vary')).toMatch(/\bOrigin\b/);
      for (const { headers } of [accepted, refused, none]) {
        expect(headers.has('access-control-allow-credentials')).toBe(false);
      }
    },
  );

  it('should vary by the origin, and be for those accepted to read: a stream', async () => {
    const { api, subscribers } = openApi();
    onTestFinished(() => subscribers.close());
    const subscribe = async (origin: string) =>
      api.fetch('http://localhost/graphql?query=subscription{threadChanged{threadId}}', {
        headers: { accept: 'text/event-stream', authorization: `Bearer ${await tokenFor('alice')}`, origin },
      });
    const accepted = await subscribe('http://localhost:3000');
    expect(accepted.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(corsHeaders(accepted.headers)).toEqual(allowing('http://localhost:3000'));
    const refused = await subscribe('https://evil.com');
    expect(corsHeaders(refused.headers)).toEqual({});
    for (const { headers } of [accepted, refused]) expect(headers.get('vary')).toMatch(/\bOrigin\b/);
  });
});
