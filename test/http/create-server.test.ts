import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  asOwner,
  type Authenticate,
  createServer,
  type ServerOptions,
  UnauthenticatedError,
} from '../../src/create-server.ts';
import { GRAPHQL_PATH } from '../../src/lib/paths.ts';
import { HOUR } from '../support/hour.ts';
import { open as connect, readAll } from './listen.ts';

/** Takes the header for the owner's name. */
const byName: Authenticate = (authorization) => {
  if (authorization === 'nobody') throw new UnauthenticatedError('Nobody is known by that name.');
  if (authorization === null) return null;
  return { owner: asOwner(authorization), worker: null, expiresAt: Date.now() + HOUR };
};

async function listen(options: Partial<ServerOptions> = {}) {
  const server = await createServer({ authenticate: byName, ...options });
  onTestFinished(() => server.close(0));
  return { server, port: await server.listen({ port: 0 }) };
}

async function ask(port: number, as: string, query: string) {
  const response = await fetch(`http://127.0.0.1:${port}${GRAPHQL_PATH}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: as, connection: 'close' },
    body: JSON.stringify({ query }),
  });
  const body: unknown = await response.json();
  return { status: response.status, body };
}

const COUNT = '{ threads { totalCount } }';
const CREATE = 'mutation { createThread { thread { status } } }';

describe('createServer', () => {
  it('should serve with an authentication of the embedder, each owner by itself', async () => {
    const { port } = await listen();
    expect(await ask(port, 'alice', CREATE)).toMatchObject({ status: 200 });
    expect(await ask(port, 'alice', COUNT)).toMatchObject({ body: { data: { threads: { totalCount: 1 } } } });
    expect(await ask(port, 'bob', COUNT)).toMatchObject({ body: { data: { threads: { totalCount: 0 } } } });
    expect(await ask(port, 'nobody', COUNT)).toMatchObject({
      status: 401,
      body: { errors: [{ message: 'Nobody is known by that name.' }] },
    });
  });

  it('should listen once, also where it is asked twice at the same time, and again after a failure', async () => {
    const server = await createServer({ authenticate: byName });
    onTestFinished(() => server.close(0));
    await expect(server.listen({ port: 0, host: 'no.such.host.invalid' })).rejects.toThrow('no.such.host');
    const first = server.listen({ port: 0 });
    await expect(server.listen({ port: 0 })).rejects.toThrow('listens already');
    expect(await ask(await first, 'alice', CREATE)).toMatchObject({ status: 200 });
  });

  it('should close a port that is only being opened, and open none once it is closed', async () => {
    const server = await createServer({ authenticate: byName });
    const listening = server.listen({ port: 0 });
    await server.close(0);
    await expect(ask(await listening, 'alice', COUNT)).rejects.toThrow('fetch failed');
    await expect(server.listen({ port: 0 })).rejects.toThrow('closed');
  });

  it('should be closed to the world by default', async () => {
    const { port } = await listen();
    expect(await ask(port, 'alice', '{ __schema { queryType { name } } }')).not.toHaveProperty('body.data');
    const headers = { accept: 'text/html', origin: 'http://localhost:3000', connection: 'close' };
    const page = await fetch(`http://127.0.0.1:${port}${GRAPHQL_PATH}`, { headers });
    expect(page.headers.get('content-type')).not.toContain('html');
    expect(page.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('should call observers with every request, and plugins with those that yoga serves', async () => {
    const observed: (string | null)[] = [];
    const seen: string[] = [];
    const { port } = await listen({
      observers: [({ operationName, owner }) => observed.push(`${operationName} of ${owner}`)],
      plugins: [
        {
          onRequest({ url, endResponse, fetchAPI }) {
            seen.push(url.pathname);
            if (url.pathname === '/version') endResponse(new fetchAPI.Response('1.0.0\n'));
          },
        },
      ],
    });
    await ask(port, 'alice', 'query Count { threads { totalCount } }');
    const version = await fetch(`http://127.0.0.1:${port}/version`, { headers: { connection: 'close' } });
    expect(await version.text()).toBe('1.0.0\n');
    expect(version.headers.get('x-request-id')).not.toBeNull();
    expect(observed).toEqual(['Count of alice', 'null of null']);
    expect(seen).toEqual(['/version']);
  });

  it('should give unexpected errors to the log, and not to the client', async () => {
    const errors: object[] = [];
    const log = { info() {}, warn() {}, error: (fields: object) => errors.push(fields) };
    const { port } = await listen({
      log,
      authenticate: () => Promise.reject(new Error('The disk is gone.')),
    });
    const { body } = await ask(port, 'alice', COUNT);
    expect(JSON.stringify(body)).not.toContain('disk');
    expect(errors).toMatchObject([{ causes: [{ message: 'The disk is gone.' }] }]);
  });

  it('should listen once, and close twice', async () => {
    const { server, port } = await listen();
    await expect(server.listen({ port: 0 })).rejects.toThrow('The server listens already.');
    await Promise.all([server.close(), server.close()]);
    await expect(connect(port)).rejects.toThrow('ECONNREFUSED');
  });
});

/** A server of the embedder's with the handler. */
async function mount() {
  const server = await createServer({ authenticate: byName });
  const http = createHttpServer(server.handler).on('upgrade', server.upgrade).listen(0, '127.0.0.1');
  await once(http, 'listening');
  onTestFinished(() => void http.close());
  const address = http.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0 };
}

describe("its handler in a server of the embedder's", () => {
  it('should answer as the server does', async () => {
    const { server, port } = await mount();
    expect(await ask(port, 'alice', CREATE)).toMatchObject({ status: 200 });
    const headers = { connection: 'close' };
    expect((await fetch(`http://127.0.0.1:${port}/ready`, { headers })).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${port}/other`, { headers })).status).toBe(404);
    const bad = await connect(port);
    bad.end('GET /graphql HTTP/1.1\r\nHost: a host\r\nConnection: close\r\n\r\n');
    expect(await readAll(bad)).toMatch(/^HTTP\/1\.1 400 /);
    await server.close();
  });

  it('should leave the headers of requests to that server, such as to its log', async () => {
    const server = await createServer({ authenticate: byName });
    const http = createHttpServer().listen(0, '127.0.0.1');
    const logged: (string | undefined)[] = [];
    http.on('request', (request, response) => {
      response.on('finish', () => logged.push(request.headers.authorization));
      server.handler(request, response);
    });
    await once(http, 'listening');
    onTestFinished(() => void http.close());
    const address = http.address();
    await ask(typeof address === 'object' && address !== null ? address.port : 0, 'alice', CREATE);
    expect(logged).toStrictEqual(['alice']);
    await server.close();
  });

  it('should interrupt streams when it closes, and finish what runs', async () => {
    const { server, port } = await mount();
    const stream = await fetch(
      `http://127.0.0.1:${port}${GRAPHQL_PATH}?query=subscription{threadChanged{threadId}}`,
      { headers: { accept: 'text/event-stream', authorization: 'alice' } },
    );
    const running = await connect(port);
    const body = JSON.stringify({ query: CREATE });
    const [first, rest] = [body.slice(0, 10), body.slice(10)];
    running.write(
      `POST /graphql HTTP/1.1\r\nHost: localhost\r\nAuthorization: alice\r\nContent-Type: application/json\r\n` +
        `Expect: 100-continue\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    // The request has arrived: the server asks for its body.
    await once(running, 'data');
    running.write(first);
    const closed = server.close();
    await expect(stream.text()).rejects.toThrow('terminated');
    running.end(rest);
    expect(await readAll(running)).toContain('{"data":{"createThread":{"thread":{"status":"IDLE"}}}}');
    await closed;
  });
});
