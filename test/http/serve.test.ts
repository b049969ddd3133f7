import { EventEmitter, once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { serve } from '../../src/http/server/listen.ts';
import { HOUR } from '../support/hour.ts';
import { open, PATIENT, readAll, reads } from './listen.ts';

const GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';

const answerOk: RequestListener = (_request, response) => void response.end('ok');

describe('a server that closes', () => {
  it('should end connections that wait for another request', async () => {
    const server = await serve(answerOk, '127.0.0.1', 0, PATIENT);
    const socket = await open(server.port);
    socket.write(GET);
    await reads(socket, /ok$/);
    await Promise.all([server.close(HOUR), once(socket, 'close')]);
    expect(socket.destroyed).toBe(true);
  });

  it('should end connections that nothing ever came from, such as browsers open in advance', async () => {
    const server = await serve(answerOk, '127.0.0.1', 0, PATIENT);
    const silent = await open(server.port);
    // Accepted in order: once this one is answered, the silent one is known as well.
    const other = await open(server.port);
    other.write(GET);
    await reads(other, /ok$/);
    await Promise.all([server.close(HOUR), once(silent, 'close')]);
    expect(silent.bytesRead).toBe(0);
  });

  it('should answer what runs, then end its connection, and accept no other', async () => {
    const { server, socket, release } = await heldRequest();
    const closed = server.close(HOUR);
    await expect(open(server.port)).rejects.toThrow('ECONNREFUSED');
    release();
    expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*late/);
    await closed;
  });

  it('should say in its last answers that it closes the connection', async () => {
    const { server, socket, release } = await heldRequest();
    const closed = server.close(HOUR);
    release();
    expect(await readAll(socket)).toMatch(/\r\nConnection: close\r\n[^]*late/);
    await closed;
  });

  it('should send all of an answer that is on its way', async () => {
    const length = 40_000_000;
    const asked = new EventEmitter();
    const large: RequestListener = (_request, response) => {
      response.end('x'.repeat(length));
      asked.emit('request');
    };
    const server = await serve(large, '127.0.0.1', 0, PATIENT);
    const socket = await open(server.port);
    socket.write(GET);
    await once(asked, 'request');
    const closed = server.close(HOUR);
    expect((await readAll(socket)).length).toBeGreaterThan(length);
    await closed;
  });

  it('should answer all requests that came together, and say after which the connection ends', async () => {
    const held: ServerResponse[] = [];
    const asked = new EventEmitter();
    const server = await serve(
      (_request, response) => {
        held.push(response);
        if (held.length === 3) asked.emit('last');
      },
      '127.0.0.1',
      0,
      PATIENT,
    );
    const socket = await open(server.port);
    socket.write(GET.repeat(3));
    await once(asked, 'last');
    const closed = server.close(HOUR);
    for (const response of held) response.end('ok');
    const answers = await readAll(socket);
    expect(answers.match(/^Connection: .*$/gm)).toEqual([
      'Connection: keep-alive',
      'Connection: keep-alive',
      'Connection: close',
    ]);
    await closed;
  });

  it('should not wait for long for headers that are half there', async () => {
    const server = await serve(answerOk, '127.0.0.1', 0, { ...PATIENT, halfSent: 20 });
    const half = await open(server.port);
    half.write(GET.slice(0, 20));
    const other = await open(server.port);
    other.write(GET);
    await reads(other, /ok$/);
    const [received] = await Promise.all([readAll(half), server.close(HOUR)]);
    expect(received).toBe('');
  });

  it('should answer a request whose headers were half there', async () => {
    const server = await serve(answerOk, '127.0.0.1', 0, PATIENT);
    const half = await open(server.port);
    half.write(GET.slice(0, 20));
    const other = await open(server.port);
    other.write(GET);
    await reads(other, /ok$/);
    const closed = server.close(HOUR);
    half.write(GET.slice(20));
    expect(await readAll(half)).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\nConnection: close\r\n[^]*ok$/);
    await closed;
  });

  it('should cut off what runs when its patience ends', async () => {
    const asked = new EventEmitter();
    const server = await serve(() => void asked.emit('request'), '127.0.0.1', 0, PATIENT);
    const socket = await open(server.port);
    socket.write(GET);
    await once(asked, 'request');
    const [received] = await Promise.all([readAll(socket), server.close(20)]);
    expect(received).toBe('');
  });

  it('should cut off a request that never ends', async () => {
    const asked = new EventEmitter();
    const server = await serve(() => void asked.emit('request'), '127.0.0.1', 0, PATIENT);
    const socket = await open(server.port);
    socket.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf');
    await once(asked, 'request');
    const [received] = await Promise.all([readAll(socket), server.close(20)]);
    expect(received).toBe('');
  });
});

describe('a server that cannot listen', () => {
  it("should reject with the system's error", async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await expect(serve(answerOk, '127.0.0.1', port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    other.close();
  });
});

/** A server with a request under way, which is answered when it is released. */
async function heldRequest() {
  const held = new EventEmitter();
  const server = await serve(
    (_request, response) => {
      held.once('release', () => response.end('late'));
      held.emit('request');
    },
    '127.0.0.1',
    0,
    PATIENT,
  );
  const socket = await open(server.port);
  socket.write(GET);
  await once(held, 'request');
  return { server, socket, release: () => void held.emit('release') };
}
