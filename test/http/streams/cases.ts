import { expect, it, vi } from 'vitest';
import { KeySetUnavailableError } from '../../../src/auth/auth-errors.ts';
import { MAX_BODY_BYTES } from '../../../src/limits.ts';
import type { CompletedRequest } from '../../../src/observability/completed-request.ts';
import { asOwner } from '../../../src/store/owner.ts';
import { createSubscribers } from '../../../src/subscriptions/subscribers.ts';
import { createMemoryStores } from '../../../src/store/memory/stores.ts';
import { aliceFor, openApi, type TestParts } from '../../support/api.ts';
import { faultyStores } from '../../support/faulty-stores.ts';
import { createThread, THEN } from '../../support/requests.ts';
import { INNARDS } from '../request.ts';
import { until } from '../listen.ts';
import { useFakeTimers } from './fake-timers.ts';
import type { Format } from './formats.ts';
import { openStream, type StreamRequest, THREADS } from './raw-stream.ts';

/** What streams of results over HTTP do, whatever their format is. */
export function testStreams(format: Format): void {
  const { accept, start, ping, end, frame, resultsOf } = format;

  it('should be responses that nobody buffers, compresses or caches', async () => {
    const stream = await openStream(openApi().api, { accept, headers: { origin: 'http://localhost:3000' } });
    expect(stream.status).toBe(200);
    expect(Object.fromEntries(stream.headers)).toMatchObject({
      'content-type': format.contentType,
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
      'x-request-id': expect.any(String),
      'access-control-allow-origin': 'http://localhost:3000',
    });
    expect(stream.headers.has('content-encoding')).toBe(false);
    expect(stream.headers.has('content-length')).toBe(false);
  });

  it('should begin at once, and frame each result', async () => {
    const { api } = openApi();
    const stream = await openStream(api, { accept });
    expect(await stream.take(start.length)).toBe(start);
    const results: object[] = [];
    for (const metadata of [{ a: 'ü\n"\u2028' }, THEN]) {
      await createThread(api, 'alice', metadata);
      const thread = { metadata: { ...metadata, owner: 'alice' } };
      results.push({ data: { threadChanged: { kind: 'CREATED', thread } } });
    }
    const expected = `${start}${results.map(frame).join('')}`;
    expect(await stream.take(Buffer.byteLength(expected))).toBe(expected);
  });

  it('should have the result of a query, and end', async () => {
    const stream = await openStream(openApi().api, { accept, query: '{ threads { totalCount } }' });
    const result = { data: { threads: { totalCount: 0 } } };
    expect(await stream.rest()).toEqual({ text: `${start}${frame(result)}${end}`, isCut: false });
  });

  it('should ping every 12 s until it ends', async () => {
    useFakeTimers();
    const { api } = openApi({ authenticate: aliceFor(60_000) });
    const stream = await openStream(api, { accept });
    await stream.take(start.length);
    vi.advanceTimersByTime(11_999);
    await createThread(api, 'alice', { a: 1 });
    const before = await stream.until(/CREATED/);
    vi.advanceTimersByTime(1);
    expect(await stream.take(before.length + ping.length)).toBe(`${before}${ping}`);
    vi.advanceTimersByTime(12_000);
    expect(await stream.take(before.length + 2 * ping.length)).toBe(`${before}${ping}${ping}`);
    await stream.cancel();
    await until(() => vi.getTimerCount() === 0);
  });

  it('should say so and end when the token ends', async () => {
    useFakeTimers();
    const { api, subscribers, logged } = openApi({ authenticate: aliceFor(5_000) });
    const stream = await openStream(api, { accept });
    await stream.take(start.length);
    vi.advanceTimersByTime(5_000);
    const { text, isCut } = await stream.rest();
    expect(isCut).toBe(false);
    expect(text.endsWith(end)).toBe(true);
    expect(resultsOf(text)).toEqual([
      { errors: [{ message: expect.any(String), extensions: { code: 'UNAUTHENTICATED' } }] },
    ]);
    expect(subscribers.count()).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
    expect(logged).toEqual([]);
  });

  it.each(['close', 'interrupt'] as const)(
    'should be cut without a last word by %s, so that its client connects again',
    async (method) => {
      const completed: CompletedRequest[] = [];
      const { api, subscribers } = openApi({ observers: [(request) => completed.push(request)] });
      const stream = await openStream(api, { accept });
      await stream.take(start.length);
      subscribers[method]();
      expect(await stream.rest()).toEqual({ text: start, isCut: true });
      await until(() => completed.length > 0);
      expect(completed).toMatchObject([
        { outcome: 'aborted', errorCode: null, operationType: 'subscription' },
      ]);
    },
  );

  it('should be cut before they begin while the server shuts down', async () => {
    const { api, subscribers } = openApi();
    subscribers.close();
    await expect(openStream(api, { accept })).rejects.toThrow('socket hang up');
    expect(subscribers.count()).toBe(0);
  });

  it('should free its place when the client goes away', async () => {
    const { api, subscribers } = openApi();
    const stream = await openStream(api, { accept });
    await stream.take(start.length);
    expect(subscribers.count()).toBe(1);
    await stream.cancel();
    await until(() => subscribers.count() === 0);
  });

  it('should say so and end where it is read too slowly, by bytes', async () => {
    const { api, stores, subscribers } = openApi({ subscribers: createSubscribers({ bytesBehind: 50_000 }) });
    const stream = await openStream(api, { accept });
    await stream.take(start.length);
    const metadata = { text: 'x'.repeat(20_000) };
    // The buffers of the connection take some results before one has to wait.
    for (let sent = 0; subscribers.count() === 1 && sent < 1_000; sent++) {
      await stores.threads.create(asOwner('alice'), { metadata });
    }
    expect(subscribers.count()).toBe(0);
    const { text, isCut } = await stream.rest();
    expect(isCut).toBe(false);
    expect(text.endsWith(end)).toBe(true);
    expect(resultsOf(text).at(-1)).toMatchObject({ errors: [{ extensions: { code: 'LIMIT_EXCEEDED' } }] });
  });

  it.each(REFUSED)(
    'should have a refusal as their one result: $name',
    async ({ code, request = {}, parts }) => {
      const { api, stores, subscribers } = openApi(parts);
      const stream = await openStream(api, { accept, ...request });
      expect(stream.status).toBe(200);
      expect(stream.headers.get('content-type')).toBe(format.contentType);
      expect(stream.headers.has('www-authenticate')).toBe(false);
      const { text, isCut } = await stream.rest();
      const [result, ...others] = resultsOf(text);
      expect(result?.errors?.map((error) => error.extensions.code)).toEqual([code]);
      expect(others).toEqual([]);
      expect({ text, isCut }).toEqual({ text: `${start}${frame(result ?? {})}${end}`, isCut: false });
      expect(text).not.toMatch(INNARDS);
      expect(subscribers.count()).toBe(0);
      expect(await stores.threads.count(asOwner('alice'))).toBe(0);
    },
  );

  it('should have the refusal of too many requests', async () => {
    useFakeTimers();
    const { api } = openApi({ rateLimit: 1 });
    const [first, second] = [await openStream(api, { accept }), await openStream(api, { accept })];
    await first.take(start.length);
    expect(resultsOf((await second.rest()).text)).toMatchObject([
      { errors: [{ extensions: { code: 'LIMIT_EXCEEDED' } }] },
    ]);
  });

  it.each([
    ['a bad token', 401, { headers: { authorization: 'Bearer x' } }],
    ['a document that does not parse', 400, { query: '{', accept: 'application/graphql-response+json' }],
    ['a body that is no JSON', 400, { body: '{' }],
    ['a subscription too many', 429, {}],
  ])(
    'should not have the refusals of clients that also accept JSON: %s',
    async (_name, status, { accept: json = 'application/json', ...request }: Partial<StreamRequest>) => {
      const { api } = openApi({ subscribers: createSubscribers({ ofOwner: 0 }) });
      const response = await openStream(api, { ...request, accept: `${accept}, ${json}` });
      expect(response.status).toBe(status);
      expect(response.headers.get('content-type')).toBe(`${json}; charset=utf-8`);
      expect(JSON.parse((await response.rest()).text)).toMatchObject({ errors: [{}] });
    },
  );

  it('should be opened by GET as well', async () => {
    const { api } = openApi();
    const stream = await openStream(api, { accept, get: { query: THREADS } });
    expect(await stream.take(start.length)).toBe(start);
    await createThread(api, 'alice');
    expect(resultsOf(await stream.until(/CREATED/))).toHaveLength(1);
  });

  it("should never have another owner's events", async () => {
    const { api } = openApi();
    const streams = [await openStream(api, { accept }), await openStream(api, { accept, as: 'bob' })];
    for (const stream of streams) await stream.take(start.length);
    for (const as of ['bob', 'alice', 'bob']) await createThread(api, as);
    const [alice = '', bob = ''] = await Promise.all([
      streams[0]?.until(/alice/),
      streams[1]?.until(/bob[^]*bob/),
    ]);
    expect(resultsOf(alice)).toHaveLength(1);
    expect(alice).not.toContain('bob');
    expect(bob).not.toContain('alice');
  });
}

/** A request that is refused with a code. */
interface RefusedCase {
  readonly name: string;
  readonly code: string;
  readonly request?: Partial<StreamRequest>;
  readonly parts?: TestParts;
}

const CREATE = 'mutation { createThread { thread { id } } }';

const REFUSED: readonly RefusedCase[] = [
  { name: 'a bad token', code: 'UNAUTHENTICATED', request: { headers: { authorization: 'Bearer x' } } },
  { name: 'no token', code: 'UNAUTHENTICATED', request: { as: null } },
  {
    name: 'a token that cannot be checked',
    code: 'SERVICE_UNAVAILABLE',
    parts: { authenticate: () => Promise.reject(new KeySetUnavailableError()) },
  },
  { name: 'a body that is no JSON', code: 'BAD_USER_INPUT', request: { body: '{' } },
  { name: 'a body that is no request', code: 'BAD_USER_INPUT', request: { body: '[]' } },
  {
    name: 'a body of another type',
    code: 'BAD_USER_INPUT',
    request: { headers: { 'content-type': 'text/plain' } },
  },
  {
    name: 'a body that is too long',
    code: 'LIMIT_EXCEEDED',
    request: { body: ' '.repeat(MAX_BODY_BYTES + 1) },
  },
  { name: 'a document that does not parse', code: 'GRAPHQL_PARSE_FAILED', request: { query: '{' } },
  {
    name: 'a document that is not valid',
    code: 'GRAPHQL_VALIDATION_FAILED',
    request: { query: 'subscription { none }' },
  },
  {
    name: 'a variable that is missing',
    code: 'BAD_USER_INPUT',
    request: { query: 'subscription($id: ID!) { threadChanged(id: $id) { kind } }' },
  },
  { name: 'a mutation by GET', code: 'BAD_USER_INPUT', request: { get: { query: CREATE } } },
  {
    name: 'variables in a URL that are no JSON',
    code: 'BAD_USER_INPUT',
    request: { get: { variables: '{' } },
  },
  {
    name: 'a subscription too many',
    code: 'LIMIT_EXCEEDED',
    parts: { subscribers: createSubscribers({ ofOwner: 0 }) },
  },
  {
    name: 'a store that fails in a query',
    code: 'INTERNAL_SERVER_ERROR',
    request: { query: '{ threads { totalCount } }' },
    parts: {
      stores: faultyStores(createMemoryStores(), (call) => (/^threads.list/.test(call) ? 'throw' : 'value')),
    },
  },
];
