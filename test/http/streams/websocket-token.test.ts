import { describe, expect, it, vi } from 'vitest';
import { KeySetUnavailableError } from '../../../src/auth/auth-errors.ts';
import type { Authenticate } from '../../../src/auth/authenticator.ts';
import type { CompletedRequest } from '../../../src/observability/completed-request.ts';
import { asOwner } from '../../../src/store/owner.ts';
import { aliceFor } from '../../support/api.ts';
import { HOUR } from '../../support/hour.ts';
import { turn, until } from '../listen.ts';
import { useFakeTimers } from './fake-timers.ts';
import { THREADS } from './raw-stream.ts';
import { authorizationOf, connectAs, openSocket } from './socket-client.ts';
import { connect, startServer } from './socket-server.ts';

const COUNT = '{ threads { totalCount } }';
const CREATE = 'mutation { createThread { thread { status } } }';

describe('the token of a WebSocket', () => {
  it('should be that of the upgrade where the payload has none', async () => {
    const { port } = await startServer();
    const client = await connectAs(port, null, { headers: await authorizationOf('alice') });
    client.subscribe('1', CREATE);
    expect(await client.next()).toMatchObject({ payload: { data: { createThread: {} } } });
  });

  it.each(['authorization', 'Authorization'])(
    "should be that of the payload before the upgrade's: %s",
    async (key) => {
      const { port, stores } = await startServer();
      const client = await openSocket(port, { headers: { authorization: 'Bearer x' } });
      const { authorization } = await authorizationOf('alice');
      client.send({ type: 'connection_init', payload: { [key]: authorization } });
      expect(await client.next()).toEqual({ type: 'connection_ack' });
      client.subscribe('1', CREATE);
      await client.next();
      expect(await stores.threads.count(asOwner('alice'))).toBe(1);
    },
  );

  it.each([
    ['payload', {}, { authorization: 'Bearer x' }],
    ['payload, with a good one in the upgrade', 'good', { authorization: 'Bearer x' }],
    ['upgrade', { authorization: 'Bearer x' }, {}],
    ['payload, which is no text', {}, { authorization: 1 }],
  ])(
    'should close the connection with 4401 before it is acknowledged where it is bad: in the %s',
    async (_, upgrade, payload) => {
      const { port, logged } = await startServer();
      const headers = upgrade === 'good' ? await authorizationOf('alice') : upgrade;
      const client = await openSocket(port, typeof headers === 'string' ? {} : { headers });
      client.send({ type: 'connection_init', payload });
      const { code, reason, rest } = await client.closed();
      expect({ code, rest }).toEqual({ code: 4401, rest: [] });
      expect(reason).toMatch(/token|Bearer/);
      expect(logged).toEqual([]);
    },
  );

  it('should not be needed to connect, and be missed by what is private', async () => {
    const { client, subscribers } = await connect({}, null);
    for (const query of [COUNT, CREATE, THREADS]) {
      client.subscribe('1', query);
      expect(await client.next()).toMatchObject({
        id: '1',
        type: 'error',
        payload: [{ message: expect.stringContaining('token'), extensions: { code: 'UNAUTHENTICATED' } }],
      });
    }
    client.subscribe('2', '{ __typename __schema { queryType { name } } }');
    expect(await client.next()).toMatchObject({ payload: { data: { __typename: 'Query' } } });
    expect(subscribers.count()).toBe(0);
  });

  it('should be needed for all where introspection is off', async () => {
    const { client } = await connect({ introspection: false }, null);
    client.subscribe('1', '{ __typename }');
    expect(await client.next()).toMatchObject({
      type: 'error',
      payload: [{ extensions: { code: 'UNAUTHENTICATED' } }],
    });
  });

  it('should close the connection with 1013 where it cannot be checked now', async () => {
    const completed: CompletedRequest[] = [];
    const { port, logged } = await startServer({
      authenticate: () => Promise.reject(new KeySetUnavailableError()),
      observers: [(request) => completed.push(request)],
    });
    const client = await openSocket(port);
    client.send({ type: 'connection_init', payload: { authorization: 'Bearer x' } });
    expect(await client.closed()).toMatchObject({ code: 1013, rest: [] });
    expect(logged).toEqual([expect.any(KeySetUnavailableError)]);
    expect(completed).toMatchObject([
      { method: 'WEBSOCKET', outcome: 'error', errorCode: 'SERVICE_UNAVAILABLE' },
    ]);
  });

  it('should close the connection with 1011 where its check fails for another reason', async () => {
    const { port, logged } = await startServer({ authenticate: () => Promise.reject(new Error('secret')) });
    const client = await openSocket(port);
    client.send({ type: 'connection_init' });
    expect(await client.closed()).toEqual({ code: 1011, reason: 'Unexpected error.', rest: [] });
    expect(logged).toMatchObject([{ message: 'secret' }]);
  });

  it('should close the connection with 4401 when it ends', async () => {
    useFakeTimers();
    const { client, subscribers } = await connect({ authenticate: aliceFor(5_000) });
    client.subscribe('1', THREADS);
    await until(() => subscribers.count() === 1);
    vi.advanceTimersByTime(5_000);
    // Without a `complete`, after which a client would not know that more could come.
    expect(await client.closed()).toEqual({ code: 4401, reason: 'The token has ended', rest: [] });
    expect(subscribers.count()).toBe(0);
  });

  it('should leave the connection open where it is good for longer than a timer can be', async () => {
    useFakeTimers();
    const { client } = await connect({ authenticate: aliceFor(30 * 24 * HOUR) });
    vi.advanceTimersByTime(1_000);
    client.subscribe('1', COUNT);
    expect(await client.next()).toMatchObject({ type: 'next', payload: { data: { threads: {} } } });
  });

  it('should be of no use for messages that come after its end', async () => {
    useFakeTimers();
    const { client, stores } = await connect({ authenticate: aliceFor(5_000) });
    vi.advanceTimersByTime(5_000);
    client.subscribe('1', CREATE);
    expect(await client.closed()).toMatchObject({ code: 4401, rest: [] });
    expect(await stores.threads.count(asOwner('alice'))).toBe(0);
  });

  it('should leave no timer where its check outlasts the connection', async () => {
    useFakeTimers();
    const checks: (() => void)[] = [];
    const authenticate: Authenticate = () =>
      new Promise((resolve) => {
        checks.push(() => resolve({ owner: asOwner('alice'), worker: null, expiresAt: Date.now() + HOUR }));
      });
    const { port } = await startServer({ authenticate });
    const client = await openSocket(port);
    client.send({ type: 'connection_init' });
    await until(() => checks.length === 1);
    const whileOpen = vi.getTimerCount();
    client.socket.terminate();
    await until(() => vi.getTimerCount() < whileOpen);
    const whenClosed = vi.getTimerCount();
    for (const check of checks) check();
    await turn();
    expect(vi.getTimerCount()).toBeLessThanOrEqual(whenClosed);
  });
});
