import { describe, expect, it, onTestFinished } from 'vitest';
import { MAX_SOCKET_OPERATIONS } from '../../../src/limits.ts';
import type { CompletedRequest } from '../../../src/observability/completed-request.ts';
import { createMemoryStores } from '../../../src/store/memory/stores.ts';
import { asOwner } from '../../../src/store/owner.ts';
import { createSubscribers } from '../../../src/subscriptions/subscribers.ts';
import { faultyStores } from '../../support/faulty-stores.ts';
import { createThread } from '../../support/requests.ts';
import { until } from '../listen.ts';
import { INNARDS } from '../request.ts';
import { useFakeTimers } from './fake-timers.ts';
import { SSE } from './formats.ts';
import { openStream, THREADS } from './raw-stream.ts';
import { connect, roundTrip } from './socket-server.ts';

const COUNT = '{ threads { totalCount } }';
const CREATE = 'mutation { createThread { thread { status } } }';

describe('an operation over a WebSocket', () => {
  it('should be a query or a mutation, with its result and the end', async () => {
    const { client } = await connect();
    client.subscribe('1', CREATE);
    const data = { createThread: { thread: { status: 'IDLE' } } };
    expect(await client.next()).toEqual({ id: '1', type: 'next', payload: { data } });
    expect(await client.next()).toEqual({ id: '1', type: 'complete' });
    client.subscribe('2', 'query($first: Int) { threads(first: $first) { nodes { status } } }', { first: 1 });
    const payload = { data: { threads: { nodes: [{ status: 'IDLE' }] } } };
    expect(await client.next()).toEqual({ id: '2', type: 'next', payload });
    expect(await client.next()).toEqual({ id: '2', type: 'complete' });
  });

  it('should be a subscription, until the client completes it', async () => {
    const { api, client, subscribers } = await connect();
    client.subscribe('1', THREADS);
    await until(() => subscribers.count() === 1);
    await createThread(api, 'alice', { a: 'ü"' });
    const thread = { metadata: { a: 'ü"', owner: 'alice' } };
    expect(await client.next()).toEqual({
      id: '1',
      type: 'next',
      payload: { data: { threadChanged: { kind: 'CREATED', thread } } },
    });
    client.send({ type: 'complete', id: '1' });
    await roundTrip(client);
    expect(subscribers.count()).toBe(0);
    await createThread(api, 'alice');
    await roundTrip(client);
  });

  it('should have its id and its text as they are, whatever characters they have', async () => {
    const { api, client, subscribers } = await connect();
    const id = 'ünïcödé "日本" \u0001 \ud83d\ude00';
    client.subscribe(id, THREADS);
    await until(() => subscribers.count() === 1);
    await createThread(api, 'alice', { a: '日本 \ud83d\ude00 ü"' });
    const thread = { metadata: { a: '日本 \ud83d\ude00 ü"', owner: 'alice' } };
    expect(await client.next()).toEqual({
      id,
      type: 'next',
      payload: { data: { threadChanged: { kind: 'CREATED', thread } } },
    });
  });

  it('should be one of many at once', async () => {
    const { api, client, subscribers } = await connect();
    for (const id of ['a', 'b']) client.subscribe(id, THREADS);
    await until(() => subscribers.count() === 2);
    await createThread(api, 'alice');
    client.subscribe('c', '{ __typename }');
    const ids = [await client.next(), await client.next(), await client.next()].map(({ id }) => id);
    expect(new Set(ids)).toEqual(new Set(['a', 'b', 'c']));
  });

  it('should have the errors of its fields in its result', async () => {
    const { client } = await connect();
    client.subscribe('1', '{ threads(first: 101) { totalCount } }');
    expect(await client.next()).toMatchObject({
      type: 'next',
      payload: { data: null, errors: [{ path: ['threads'], extensions: { code: 'BAD_USER_INPUT' } }] },
    });
    expect(await client.next()).toEqual({ id: '1', type: 'complete' });
  });

  it.each([
    ['does not parse', '{', 'GRAPHQL_PARSE_FAILED'],
    ['is not valid', '{ none }', 'GRAPHQL_VALIDATION_FAILED'],
    ['lacks a variable', 'query($id: ID!) { thread(id: $id) { id } }', 'BAD_USER_INPUT'],
    [
      'costs too much',
      '{ threads(first: 100) { nodes { runs(first: 100) { nodes { id } } } } }',
      'LIMIT_EXCEEDED',
    ],
  ])('should have an error as its only message where it %s', async (_name, query, code) => {
    const { client } = await connect();
    client.subscribe('1', query);
    const message = await client.next();
    expect(message).toMatchObject({ id: '1', type: 'error', payload: [{ extensions: { code } }] });
    expect(JSON.stringify(message)).not.toMatch(INNARDS);
    // Nothing else comes, and the id can be used again.
    client.subscribe('1', '{ __typename }');
    expect(await client.next()).toMatchObject({ id: '1', type: 'next' });
  });

  it('should be reported as those over HTTP are', async () => {
    const completed: CompletedRequest[] = [];
    const { client, subscribers } = await connect({ observers: [(request) => completed.push(request)] });
    client.subscribe('1', 'query Count { threads { totalCount } }');
    await client.next();
    client.subscribe('2', '{ none }');
    client.subscribe('3', 'subscription Watch { threadChanged { kind } }');
    await until(() => subscribers.count() === 1);
    client.send({ type: 'complete', id: '3' });
    await until(() => completed.length === 3);
    const common = { method: 'WEBSOCKET', path: '/graphql', owner: 'alice', status: null };
    expect(completed).toMatchObject([
      { ...common, operationName: 'Count', operationType: 'query', cost: 1, outcome: 'ok', errorCode: null },
      { ...common, operationName: null, outcome: 'error', errorCode: 'GRAPHQL_VALIDATION_FAILED' },
      { ...common, operationName: 'Watch', operationType: 'subscription', outcome: 'aborted' },
    ]);
  });

  it('should be forgotten when its client goes away before it is ready', async () => {
    const completed: CompletedRequest[] = [];
    const stores = faultyStores(createMemoryStores(), () => 'hang');
    const { client, logged } = await connect({ stores, observers: [(request) => completed.push(request)] });
    client.subscribe('1', COUNT);
    await roundTrip(client);
    client.socket.terminate();
    await until(() => completed.length === 1);
    expect(completed).toMatchObject([{ operationType: 'query', outcome: 'aborted', errorCode: null }]);
    expect(logged).toEqual([]);
  });

  it('should be one of 100 at once, and not more', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    onTestFinished(() => void process.off('warning', onWarning));
    const stores = faultyStores(createMemoryStores(), () => 'hang');
    const { client } = await connect({ stores });
    for (let id = 1; id <= MAX_SOCKET_OPERATIONS + 1; id++) client.subscribe(`${id}`, COUNT);
    expect(MAX_SOCKET_OPERATIONS).toBe(100);
    expect(await client.next()).toMatchObject({
      id: '101',
      type: 'error',
      payload: [{ extensions: { code: 'LIMIT_EXCEEDED' } }],
    });
    client.send({ type: 'complete', id: '1' });
    client.subscribe('102', '{ __typename }');
    expect(await client.next()).toMatchObject({ id: '102', type: 'next' });
    expect(warnings).toEqual([]);
  });

  it('should be one of those that the rate limit counts', async () => {
    useFakeTimers();
    const { api, client } = await connect({ rateLimit: 1 });
    client.subscribe('1', '{ __typename }');
    expect(await client.next()).toMatchObject({ id: '1', type: 'next' });
    expect(await client.next()).toMatchObject({ id: '1', type: 'complete' });
    client.subscribe('2', '{ __typename }');
    expect(await client.next()).toMatchObject({
      id: '2',
      type: 'error',
      payload: [{ extensions: { code: 'LIMIT_EXCEEDED' } }],
    });
    // Together with those over HTTP.
    const stream = await openStream(api, { accept: SSE.accept });
    expect((await stream.rest()).text).toContain('LIMIT_EXCEEDED');
  });
});

describe('a client that reads its WebSocket too slowly', () => {
  it('should have all events, in order, after it has not read for a while', async () => {
    const { client, stores, subscribers } = await connect({
      subscribers: createSubscribers({ bytesBehind: 100_000_000 }),
    });
    for (const id of ['a', 'b']) client.subscribe(id, THREADS);
    await until(() => subscribers.count() === 2);
    client.socket.pause();
    const text = 'x'.repeat(60_000);
    // The buffers of the connection take some megabytes: the rest waits.
    const all = Array.from({ length: 300 }, (_, index) => index);
    for (const count of all) {
      await stores.threads.create(asOwner('alice'), { metadata: { text, count } });
      await until(() => true);
    }
    client.socket.resume();
    const counts: Record<string, unknown[]> = { a: [], b: [] };
    for (let message = 0; message < 2 * all.length; message++) {
      const { id = '', payload } = await client.next();
      counts[id]?.push(/"count":(\d+)/.exec(JSON.stringify(payload))?.[1]);
    }
    expect(counts).toEqual({ a: all.map(String), b: all.map(String) });
  });

  it('should be told so as its last result, by bytes', async () => {
    const { client, stores, subscribers } = await connect({
      subscribers: createSubscribers({ bytesBehind: 200_000 }),
    });
    client.subscribe('1', THREADS);
    await until(() => subscribers.count() === 1);
    client.socket.pause();
    const metadata = { text: 'x'.repeat(60_000) };
    // The buffers of the connection take some megabytes before a result has to wait.
    let sent = 0;
    for (; subscribers.count() === 1 && sent < 5_000; sent++) {
      await stores.threads.create(asOwner('alice'), { metadata });
      if (sent % 10 === 0) await until(() => true);
    }
    expect(subscribers.count()).toBe(0);
    client.socket.resume();
    let last = await client.next();
    for (let next = await client.next(); next.type === 'next'; next = await client.next()) last = next;
    expect(last).toMatchObject({ payload: { errors: [{ extensions: { code: 'LIMIT_EXCEEDED' } }] } });
    // The connection goes on.
    client.subscribe('2', '{ __typename }');
    expect(await client.next()).toMatchObject({ id: '2', type: 'next' });
  });
});
