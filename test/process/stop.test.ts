import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { open as openFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open, readAll, reads } from '../http/listen.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { clientOf, SECRET } from './client.ts';
import { copyProject, greeting, START, type Started } from './project.ts';

let project: ReturnType<typeof copyProject>;

beforeAll(() => {
  project = copyProject();
  project.build();
}, 60_000);

afterAll(() => project.remove());

/** Half of the 10 s that running requests are given: what is done by then was not cut off. In milliseconds. */
const QUICK = 5_000;

const MUTATION = JSON.stringify({ query: 'mutation { createThread { thread { status } } }' });

/** A request up to the middle of its body, of which the server has seen the head. */
async function beginRequest(port: number, token: string): Promise<Socket> {
  const socket = await open(port);
  const head = ['POST /graphql HTTP/1.1', 'Host: localhost', `Authorization: Bearer ${token}`];
  const body = [
    'Content-Type: application/json',
    `Content-Length: ${MUTATION.length}`,
    'Expect: 100-continue',
  ];
  socket.write(`${[...head, ...body].join('\r\n')}\r\n\r\n`);
  await reads(socket, /^HTTP\/1\.1 100 Continue\r\n\r\n$/);
  socket.write(MUTATION.slice(0, 20));
  return socket;
}

function subscribe(port: number, token: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}/graphql?query=subscription{threadChanged{id}}`, {
    headers: { accept: 'text/event-stream', authorization: `Bearer ${token}` },
  });
}

/** Starts a server that tells when it drains. */
async function startServer(): Promise<{ server: Started; port: number; token: string }> {
  const server = project.server({ LOG_LEVEL: 'debug' });
  return { server, ...(await greeting(server)) };
}

const DRAINING = /"msg":"draining"/;

describe('a server that is told to stop', { timeout: 60_000 }, () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('should finish what runs, and end the rest: %s', async (signal) => {
    const { server, port, token } = await startServer();
    const [first, second] = await Promise.all([subscribe(port, token), subscribe(port, token)]);
    const running = await beginRequest(port, token);
    // Read by the time that the next one is answered.
    const half = await open(port);
    half.write('GET /ready HTTP/1.1\r\n');
    const idle = await open(port);
    idle.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await reads(idle, /ok\n$/);
    const silent = await open(port);
    const ended = Promise.all([once(idle, 'close'), readAll(silent)]);

    const signalled = performance.now();
    server.send(signal);
    await server.prints(DRAINING);
    // Headers that are half there have a second for the rest.
    half.write('Host: localhost\r\n\r\n');
    const notReady = await readAll(half);
    expect(notReady).toMatch(
      /^HTTP\/1\.1 503 Service Unavailable\r\n[^]*Connection: close\r\n[^]*not ready\n$/,
    );
    await ended;
    for (const stream of [first, second]) {
      const events = (await stream.text()).split('\n\n').filter((event) => event.startsWith('event:'));
      expect(events).toEqual([
        expect.stringMatching(/^event: next\ndata: .*"code":"SERVICE_UNAVAILABLE"/),
        expect.stringMatching(/^event: complete\b/),
      ]);
    }
    await expect(open(port)).rejects.toThrow('ECONNREFUSED');

    // While the request runs, further signals change nothing.
    server.send(signal);
    server.send('SIGTERM');
    running.write(MUTATION.slice(20));
    const answers = await readAll(running);
    expect(answers).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*Connection: close\r\n/);
    expect(answers).toContain('{"data":{"createThread":{"thread":{"status":"IDLE"}}}}');

    expect(await server.ending).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(performance.now() - signalled).toBeLessThan(QUICK);
  });

  it('should stop at once when nothing runs', async () => {
    const { server } = await startServer();
    const signalled = performance.now();
    server.send('SIGTERM');
    expect(await server.ending).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(performance.now() - signalled).toBeLessThan(QUICK);
  });

  it('should end though nobody reads its log', async () => {
    const log = join(project.folder, 'log');
    execFileSync('mkfifo', [log]);
    // Open on both sides, so that nobody waits for the other one.
    const pipe = await openFile(log, 'r+');
    const port = await freePort();
    const server = project.start('sh', ['-c', `${START} > ${log}`], {
      PORT: String(port),
      AUTH_SECRET: SECRET,
    });
    await eventually('it listens', () => isListening(port));
    const client = await clientOf(port, 'alice');
    // 300 characters each, of which a pipe holds 65,536.
    for (let round = 0; round < 10; round++) {
      await Promise.all(Array.from({ length: 50 }, () => client.send('{ __typename }')));
    }
    const signalled = performance.now();
    server.send('SIGTERM');
    expect(await server.ending).toMatchObject({ code: null, signal: 'SIGKILL', stderr: '' });
    expect(performance.now() - signalled).toBeLessThan(QUICK);
    await pipe.close();
  });
});

async function isListening(port: number): Promise<boolean> {
  try {
    (await open(port)).destroy();
    return true;
  } catch {
    return false;
  }
}

describe('npm start', { timeout: 60_000 }, () => {
  it('should build and serve, and end with the server when it is told to stop', async () => {
    const npm = project.start('npm', ['start'], { npm_config_update_notifier: 'false' });
    const { port } = await greeting(npm);
    const health = await fetch(`http://127.0.0.1:${port}/health`, { headers: { connection: 'close' } });
    expect(health.status).toBe(200);
    npm.send('SIGTERM');
    expect(await npm.exit).toEqual({ code: 0, signal: null });
    await expect(open(port)).rejects.toThrow('ECONNREFUSED');
  });
});
