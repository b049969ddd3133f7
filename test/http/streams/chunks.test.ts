import { describe, expect, it } from 'vitest';
import { tokenFor } from '../../support/api.ts';
import { createThread } from '../../support/requests.ts';
import { open, reads, until } from '../listen.ts';
import { SSE } from './formats.ts';
import { THREADS } from './raw-stream.ts';
import { startServer } from './socket-server.ts';

const EVENT = (count: number) => ({
  data: { threadChanged: { kind: 'CREATED', thread: { metadata: { count, owner: 'alice' } } } },
});

/** The bytes of a request for a stream. */
async function request(version: string, query = THREADS, accept = SSE.accept): Promise<string> {
  const body = JSON.stringify({ query });
  return (
    `POST /graphql HTTP/${version}\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
    `Accept: ${accept}\r\nAuthorization: Bearer ${await tokenFor('alice')}\r\n` +
    `Content-Length: ${body.length}\r\n\r\n${body}`
  );
}

/** A text as one chunk of a response. */
function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

describe('a stream on its connection', () => {
  it('should have each event as one chunk', async () => {
    const { api, port } = await startServer();
    const socket = await open(port);
    socket.write(await request('1.1'));
    expect(await reads(socket, /:\n\n\r\n$/)).toMatch(/\r\nTransfer-Encoding: chunked\r\n/);
    await createThread(api, 'alice', { count: 1 });
    expect(await reads(socket, /\n\n\r\n$/)).toBe(chunk(SSE.frame(EVENT(1))));
    socket.destroy();
  });

  it('should have no chunks with HTTP/1.0', async () => {
    const { api, port } = await startServer();
    const socket = await open(port);
    socket.write(await request('1.0'));
    expect(await reads(socket, /\r\n\r\n:\n\n$/)).not.toMatch(/Transfer-Encoding/i);
    await createThread(api, 'alice', { count: 1 });
    expect(await reads(socket, /\n\n$/)).toBe(SSE.frame(EVENT(1)));
    socket.destroy();
  });

  it('should follow the response to the request before it', async () => {
    const { api, port } = await startServer();
    const socket = await open(port);
    const query = await request('1.1', '{ threads { totalCount } }', 'application/json');
    socket.write(`${query}${await request('1.1')}`);
    const text = await reads(socket, /:\n\n\r\n$/);
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\{"totalCount":0\}\}\}HTTP\/1\.1 200 OK\r\n/);
    await createThread(api, 'alice', { count: 1 });
    expect(await reads(socket, /\n\n\r\n$/)).toBe(chunk(SSE.frame(EVENT(1))));
    socket.destroy();
  });

  it('should have all events, in order, after its client has not read for a while', async () => {
    const { api, port, accepted, subscribers } = await startServer();
    const socket = await open(port);
    socket.write(await request('1.1'));
    await reads(socket, /:\n\n\r\n$/);
    socket.pause();
    let count = 0;
    const text = 'x'.repeat(10_000);
    while (accepted()?.writableNeedDrain === false)
      await createThread(api, 'alice', { count: ++count, text });
    // These wait in the queue.
    for (let more = 0; more < 5; more++) await createThread(api, 'alice', { count: ++count });
    const read = reads(socket, new RegExp(`"count":${count},[^]*\n\n\r\n$`));
    socket.resume();
    const counts = Array.from((await read).matchAll(/"count":(\d+)/g), ([, one]) => Number(one));
    expect(counts).toEqual(Array.from({ length: count }, (_, index) => index + 1));
    socket.destroy();
    await until(() => subscribers.count() === 0);
  });
});
