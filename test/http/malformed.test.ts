import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listen, open } from './listen.ts';
import { INNARDS } from './request.ts';

let server: Awaited<ReturnType<typeof listen>>;

beforeAll(async () => {
  server = await listen();
});

afterAll(() => server.close());

const HOST = 'Host: localhost\r\n';
const END = 'Connection: close\r\n\r\n';

const MALFORMED: readonly (readonly [kind: string, bytes: string])[] = [
  ...[
    'a b',
    '[',
    '%',
    'localhost:99999',
    'localhost:abc',
    'evil/path',
    'a?b',
    'a#b',
    'http://x:y:z',
    'a@b',
    'a,b',
    'a/health#',
    'a/graphql?query={__typename}&x=',
  ].map((host): [string, string] => [`the host ${host}`, `GET /health HTTP/1.1\r\nHost: ${host}\r\n${END}`]),
  ...[
    'http://[/',
    'http://evil.com/nowhere',
    'ftp://evil.com/health',
    '@evil.com/health',
    '*',
    '//',
    '///',
    '//evil.com/health',
    '/x/../health',
    '/./ready',
    '/%2e/health',
    '/%',
    '/%zz%',
    '/\\evil',
    'health',
    '?query={__typename}',
    '/graphql?%',
    '/graphql?query=%',
    '/graphql?query=%E0%A4%A',
    '/graphql?query={__typename}&variables=%',
    '/graphql?query={__typename}&variables=%7B',
    '/graphql?query={__typename}&extensions=%7B',
  ].map((target): [string, string] => [
    `the target ${target}`,
    `GET ${target} HTTP/1.1\r\nAccept: application/graphql-response+json\r\n${HOST}${END}`,
  ]),
  ['two hosts', `GET /health HTTP/1.1\r\n${HOST}${HOST}${END}`],
  ['two hosts that differ', `GET /health HTTP/1.1\r\n${HOST}Host: evil.com\r\n${END}`],
  ['no host', `GET /health HTTP/1.1\r\n${END}`],
  ['an unknown method', `BREW /graphql HTTP/1.1\r\n${HOST}${END}`],
  ['no HTTP', '\u0016\u0003\u0001\r\n\r\n'],
  ['an endless header', `GET /health HTTP/1.1\r\n${HOST}X: ${'x'.repeat(20_000)}\r\n${END}`],
  ['a proxy', `CONNECT evil.com:443 HTTP/1.1\r\n${HOST}${END}`],
  ['a space before a colon', `GET /health HTTP/1.1\r\nHost : localhost\r\n${END}`],
  ['a header over two lines', `GET /health HTTP/1.1\r\nHost: localhost\r\n x\r\n${END}`],
  ...[
    'Content-Length: 1\r\nContent-Length: 2',
    'Content-Length: 2\r\nContent-Length: 2',
    'Content-Length: 2, 2',
    'Content-Length: -1',
    'Content-Length: 0x2',
    'Content-Length: 2\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: chunked\r\nContent-Length: 2',
    'Transfer-Encoding: gzip',
    'Transfer-Encoding: chunked, gzip',
    'Transfer-Encoding: chunked',
  ].map((framing): [string, string] => [
    `the framing ${framing.replaceAll('\r\n', ' with ')} of what is no chunk`,
    `POST /graphql HTTP/1.1\r\n${HOST}Content-Type: application/json\r\n${framing}\r\n${END}{}`,
  ]),
];

describe('a malformed request', () => {
  it.each(MALFORMED)('should be the fault of the client, and harm no other: %s', async (_kind, bytes) => {
    const answer = await server.exchange(bytes);
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(answer).not.toMatch(INNARDS);
    expect(answer).toMatch(/^X-Content-Type-Options: nosniff\r$/im);
    expect(answer.length).toBeLessThan(4_096);
    expect(server.logged).toEqual([]);
    const next = await server.exchange(`GET /health HTTP/1.1\r\n${HOST}${END}`);
    expect(next).toMatch(/^HTTP\/1\.1 200 OK\r\nX-Content-Type-Options: nosniff\r\n/);
  });

  it('should leave its connection to the next request where it can', async () => {
    const bad = 'GET /health HTTP/1.1\r\nHost: [\r\n\r\n';
    const answers = await server.exchange(`${bad}GET /health HTTP/1.1\r\n${HOST}${END}`);
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 400', 'HTTP/1.1 200']);
  });

  it('should not be one that names its host in the target, as proxies do, whatever the host', async () => {
    for (const target of [
      'http://localhost/health',
      'http://evil.com:99/health?x',
      'HTTPS://evil.com/health',
    ]) {
      const answer = await server.exchange(`GET ${target} HTTP/1.1\r\n${HOST}${END}`);
      expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*ok\n$/);
    }
  });

  it('should not be one of HTTP/1.0 without a host', async () => {
    const answer = await server.exchange('GET /health HTTP/1.0\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  it('should be answered without a body where it asks about the server as a whole', async () => {
    const answer = await server.exchange(`OPTIONS * HTTP/1.1\r\n${HOST}${END}`);
    expect(answer).toMatch(/^HTTP\/1\.1 204 No Content\r\n[^]*\r\n\r\n$/);
  });
});

describe('a refusal of what never became a request', () => {
  it.each([
    ['a bad host', `GET /health HTTP/1.1\r\nHost: [\r\n${END}`],
    ['bad framing', `POST /graphql HTTP/1.1\r\n${HOST}Content-Length: x\r\n${END}`],
    ['a proxy', `CONNECT evil.com:443 HTTP/1.1\r\n${HOST}${END}`],
  ])('should be told of by the id that the client was given: %s', async (_, bytes) => {
    const told: (readonly [status: number, requestId: string])[] = [];
    const own = await listen({}, { onRefused: (...refusal) => told.push(refusal) });
    const answer = await own.exchange(bytes);
    await own.close();
    expect(told).toHaveLength(1);
    const [[status, requestId] = [0, '']] = told;
    expect(status).toBe(400);
    expect(answer.toLowerCase()).toContain(`x-request-id: ${requestId}`);
  });
});

describe('a refusal of an upgrade', () => {
  it.each([
    ['to another path', `GET /health HTTP/1.1\r\n${HOST}`],
    ['of a page of another origin', `GET /graphql HTTP/1.1\r\n${HOST}Origin: https://evil.example\r\n`],
    ['without a host', 'GET /graphql HTTP/1.1\r\n'],
    ['to a tunnel', `CONNECT evil.com:443 HTTP/1.1\r\n${HOST}`],
  ])('should harm no other where its client has reset the connection: %s', async (_, head) => {
    const socket = await open(server.port);
    const closed = once(socket, 'close');
    socket.write(`${head}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
    // The server has not read it yet. Node.js leaves the errors of such a connection to the server.
    socket.resetAndDestroy();
    await closed;
    expect(await server.exchange(`GET /health HTTP/1.1\r\n${HOST}${END}`)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });
});
