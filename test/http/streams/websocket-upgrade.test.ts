import { describe, expect, it } from 'vitest';
import type { CompletedRequest } from '../../../src/observability/completed-request.ts';
import type { TestParts } from '../../support/api.ts';
import { connectAs, refusalOf } from './socket-client.ts';
import { startServer } from './socket-server.ts';

describe('an upgrade to a WebSocket', () => {
  it.each<[string, string | ((port: number) => string), TestParts]>([
    ['no origin', '', {}],
    ["the server's own", (port) => `http://127.0.0.1:${port}`, { corsOrigins: [] }],
    ['a listed one', 'https://app.example', { corsOrigins: ['https://app.example'] }],
    [
      'any of this machine, where no others are listed',
      'http://localhost:5173',
      { corsOrigins: 'localhost' },
    ],
  ])('should be accepted from %s', async (_name, given, parts) => {
    const { port } = await startServer(parts);
    const origin = typeof given === 'string' ? given : given(port);
    const { socket } = await connectAs(port, 'alice', origin === '' ? {} : { headers: { origin } });
    expect(socket.readyState).toBe(socket.OPEN);
  });

  it.each([
    ['a foreign origin', 'https://evil.example', ['https://app.example']],
    ['a foreign origin that begins as a listed one', 'https://app.example.evil', ['https://app.example']],
    ['another port of this server', 'http://127.0.0.1:1', []],
    ['no page of any origin', 'null', []],
    ['a foreign origin, by default', 'https://evil.example', 'localhost'],
  ] as const)('should be refused from %s', async (_name, origin, corsOrigins) => {
    const completed: CompletedRequest[] = [];
    const { port } = await startServer({ corsOrigins, observers: [(request) => completed.push(request)] });
    const { status, body } = await refusalOf(port, { headers: { origin } });
    expect(status).toBe(403);
    expect(JSON.parse(body)).toMatchObject({
      errors: [{ message: expect.stringContaining('CORS_ORIGINS'), extensions: { code: 'BAD_USER_INPUT' } }],
    });
    expect(completed).toMatchObject([{ method: 'WEBSOCKET', status: 403, outcome: 'error' }]);
  });

  it.each(['/', '/graphql/', '/graphql2', '/health', '/ready', '/GRAPHQL'])(
    'should be refused at other paths: %s',
    async (path) => {
      const { port } = await startServer();
      const { status, body } = await refusalOf(port, { path });
      expect(status).toBe(404);
      expect(JSON.parse(body)).toMatchObject({ errors: [{ message: expect.stringContaining('/graphql') }] });
    },
  );

  it('should be accepted with a query string', async () => {
    const { port } = await startServer();
    const { socket } = await connectAs(port, 'alice', { path: '/graphql?client=1' });
    expect(socket.readyState).toBe(socket.OPEN);
  });

  it('should be refused without a key', async () => {
    const { exchange } = await startServer();
    const head =
      'GET /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
    expect(await exchange(head)).toMatch(/^HTTP\/1\.1 400 /);
  });
});
