import { once } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { MAX_BODY_BYTES } from '../../../src/limits.ts';
import { HOUR } from '../../support/hour.ts';
import { createThread } from '../../support/requests.ts';
import { until } from '../listen.ts';
import { useFakeTimers } from './fake-timers.ts';
import { THREADS } from './raw-stream.ts';
import { connectAs, openSocket } from './socket-client.ts';
import { connect, roundTrip, startServer } from './socket-server.ts';

describe('a connection by WebSocket', () => {
  it('should be closed with 4408 where it is not initialized in 3 s', async () => {
    useFakeTimers();
    const { port } = await startServer();
    const client = await openSocket(port);
    await roundTrip(client);
    vi.advanceTimersByTime(3_000);
    expect(await client.closed()).toMatchObject({ code: 4408, rest: [] });
  });

  it.each([
    [
      'is used before it is acknowledged',
      4401,
      ['{"type":"subscribe","id":"1","payload":{"query":"{ a }"}}'],
    ],
    ['is initialized twice', 4429, ['{"type":"connection_init"}', '{"type":"connection_init"}']],
    ['sends what is no message', 4400, ['hello']],
    ['sends a message of an unknown type', 4400, ['{"type":"start","id":"1"}']],
  ])('should be closed where it %s', async (_name, code, messages) => {
    const { port, logged } = await startServer();
    const client = await openSocket(port);
    for (const message of messages) client.send(message);
    expect(await client.closed()).toMatchObject({ code });
    expect(logged).toEqual([]);
  });

  it('should be closed with 4409 where two operations have one id', async () => {
    const { client } = await connect();
    client.subscribe('1', THREADS);
    client.subscribe('1', THREADS);
    expect(await client.closed()).toMatchObject({ code: 4409 });
  });

  it('should be closed with 4406 where it has another protocol', async () => {
    const { port } = await startServer();
    const client = await openSocket(port, { protocols: [] });
    expect(await client.closed()).toMatchObject({ code: 4406 });
  });

  it('should be closed with 1009 where a message is too large', async () => {
    const { client, api, logged } = await connect();
    const largest = JSON.stringify({ type: 'ping', payload: { text: '' } });
    client.send(largest.replace('""', `"${'x'.repeat(MAX_BODY_BYTES - largest.length)}"`));
    expect(await client.next()).toMatchObject({ type: 'pong' });
    client.send(largest.replace('""', `"${'x'.repeat(MAX_BODY_BYTES - largest.length + 1)}"`));
    expect(await client.closed()).toMatchObject({ code: 1009 });
    expect(logged).toEqual([]);
    expect((await createThread(api, 'alice')).length).toBe(32);
  });

  it('should be ended by the server where pings are not answered for 60 s', async () => {
    useFakeTimers();
    const { port, subscribers } = await startServer();
    const [silent, other] = [
      await connectAs(port, 'alice', { autoPong: false }),
      await connectAs(port, 'alice'),
    ];
    for (const client of [silent, other]) client.subscribe('1', THREADS);
    await until(() => subscribers.count() === 2);
    for (let passed = 12; passed <= 60; passed += 12) {
      const pings = [silent, other].map(({ socket }) => once(socket, 'ping'));
      vi.advanceTimersByTime(12_000);
      await Promise.all(pings);
      await roundTrip(other);
    }
    vi.advanceTimersByTime(12_000);
    expect(await silent.closed()).toMatchObject({ code: 1006, rest: [] });
    await roundTrip(other);
    expect(subscribers.count()).toBe(1);
  });

  it('should leave nothing behind', async () => {
    useFakeTimers();
    const { client, port, subscribers } = await connect();
    client.subscribe('1', THREADS);
    const other = await openSocket(port);
    await until(() => subscribers.count() === 1);
    client.socket.terminate();
    other.socket.terminate();
    await until(() => vi.getTimerCount() === 0);
    expect(subscribers.count()).toBe(0);
  });
});

describe('the end of a server', () => {
  it.each(['close', 'interrupt'] as const)('should close connections with 1012: %s', async (method) => {
    const { client, subscribers } = await connect();
    client.subscribe('1', THREADS);
    await until(() => subscribers.count() === 1);
    subscribers[method]();
    expect(await client.closed()).toMatchObject({ code: 1012, rest: [] });
    expect(subscribers.count()).toBe(0);
  });

  it('should close connections without subscriptions too', async () => {
    const { api, client } = await connect();
    api.close();
    expect(await client.closed()).toMatchObject({ code: 1012, rest: [] });
  });

  it('should not wait for clients that do not close', async () => {
    const { api, port, close } = await startServer({}, { halfSent: 20 });
    const client = await connectAs(port, 'alice');
    client.socket.pause();
    api.close();
    await close(HOUR);
    await expect(openSocket(port)).rejects.toThrow('ECONNREFUSED');
  });
});
