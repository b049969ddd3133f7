import { describe, expect, it, onTestFinished } from 'vitest';
import { asOwner } from '../../src/store/owner.ts';
import { tokenFor } from '../support/api.ts';
import { HOUR } from '../support/hour.ts';
import { listen, open, readAll, reads } from './listen.ts';

/** The headers by which Java's HttpClient asks for HTTP/2 with each first request. */
const H2C = [
  'Connection: Upgrade, HTTP2-Settings',
  'HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA',
  'Upgrade: h2c',
];
const BODY = JSON.stringify({ query: 'mutation { createThread { thread { metadata } } }' });
const ANSWER = '{"data":{"createThread":{"thread":{"metadata":{"owner":"alice"}}}}}';

async function start() {
  const server = await listen();
  onTestFinished(() => server.close());
  return server;
}

async function headOf(method: string, path: string, headers: readonly string[]): Promise<string> {
  const authorization = `Authorization: Bearer ${await tokenFor('alice')}`;
  return [`${method} ${path} HTTP/1.1`, 'Host: localhost', authorization, ...headers, '', ''].join('\r\n');
}

function postHead(...headers: readonly string[]): Promise<string> {
  return headOf('POST', '/graphql', ['Content-Type: application/json', ...headers]);
}

describe('a request that asks for an upgrade which the server does not make', () => {
  it.each<[string, readonly string[]]>([
    ['HTTP/2', H2C],
    ['a WebSocket by POST', ['Connection: Upgrade', 'Upgrade: websocket']],
    ['anything', ['Connection: upgrade', 'Upgrade: TLS/1.0, x']],
  ])('should be served with its body, and the connection be kept: %s', async (_name, headers) => {
    const { port, logged, stores } = await start();
    const socket = await open(port);
    const head = await postHead(...headers, `Content-Length: ${BODY.length}`);
    socket.write(head + BODY);
    const answer = await reads(socket, /\}\}\}\}$/);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toMatch(/\r\nConnection: keep-alive\r\n/);
    expect(answer.endsWith(`\r\n\r\n${ANSWER}`)).toBe(true);
    socket.end((await postHead('Connection: close', `Content-Length: ${BODY.length}`)) + BODY);
    expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(logged).toEqual([]);
    expect(await stores.threads.count(asOwner('alice'))).toBe(2);
  });

  it('should be served where its body comes later, in chunks', async () => {
    const { port } = await start();
    const socket = await open(port);
    socket.write(await postHead(...H2C, 'Transfer-Encoding: chunked', 'Expect: 100-continue'));
    expect(await reads(socket, /\r\n\r\n$/)).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    const [first, second] = [BODY.slice(0, 10), BODY.slice(10)];
    socket.write(`a\r\n${first}\r\n`);
    socket.write(`${second.length.toString(16)}\r\n${second}\r\n0\r\n\r\n`);
    expect(await reads(socket, /\}\}\}\}$/)).toContain(ANSWER);
  });

  it('should be served where it is a GET, and more requests come with it', async () => {
    const { exchange } = await start();
    const path = '/graphql?query={__typename}';
    const requests = [await headOf('GET', path, H2C), await headOf('GET', '/health', ['Connection: close'])];
    const answers = await exchange(requests.join(''));
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200']);
    expect(answers).toContain('{"data":{"__typename":"Query"}}');
  });

  it('should close the connection where that is asked for too', async () => {
    const { exchange } = await start();
    const headers = ['Connection: Upgrade, close', 'Upgrade: h2c'];
    expect(await exchange(await headOf('GET', '/health', headers))).toMatch(
      /\r\nConnection: close\r\n[^]*ok\n$/,
    );
  });

  it('should not change what is refused', async () => {
    const { exchange } = await start();
    const head = `GET /graphql HTTP/1.1\r\n${H2C.join('\r\n')}\r\nConnection: close\r\n\r\n`;
    expect(await exchange(head)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  });

  it('should not outlast the server', async () => {
    const { port, close } = await start();
    const socket = await open(port);
    socket.write(await headOf('GET', '/health', H2C));
    await reads(socket, /ok\n$/);
    const [rest] = await Promise.all([readAll(socket), close(HOUR)]);
    expect(rest).toBe('');
  });
});
