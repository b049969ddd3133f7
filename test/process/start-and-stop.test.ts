import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open, readAll, reads } from '../http/listen.ts';
import { holdMutation } from './raw-request.ts';
import { ask, greeting, openProject, type Project, type Started } from './project.ts';

let project: Project;

beforeAll(async () => {
  project = await openProject();
});

afterAll(() => project.remove());

const COUNT = '{ threads { totalCount } }';
const NONE = { data: { threads: { totalCount: 0 } } };

describe('a start', () => {
  it('should need no configuration, and print a token that works, also after the next start', async () => {
    const first = project.server();
    const { port, token } = await greeting(first);
    expect(await ask(port, token, COUNT)).toEqual({ status: 200, body: NONE });
    expect(await ask(port, 'x', COUNT)).toMatchObject({ status: 401 });
    const file = join(project.folder, '.dev-secret');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const page = await pageOf(port);
    expect(page).toContain('agent-graphql');
    for (const owner of ['dev', 'alice', 'bob'])
      expect(page).toMatch(new RegExp(`"owner":"${owner}","token":"eyJ`));
    first.send('SIGTERM');
    expect(await first.ending).toMatchObject({ code: 0, stderr: '' });

    const secret = readFileSync(file, 'utf8');
    const second = project.server();
    const next = await greeting(second);
    expect(await ask(next.port, token, COUNT)).toEqual({ status: 200, body: NONE });
    expect(readFileSync(file, 'utf8')).toBe(secret);
    second.send('SIGTERM');
    expect(await second.ending).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('a stop', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('should finish what runs, and end the rest: %s', async (signal) => {
    const { server, port, token } = await startServer();
    const streams = await Promise.all([subscribe(port, token), subscribe(port, token)]);
    const running = await holdMutation(port, token);
    const idle = await open(port);
    idle.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await reads(idle, /ok\n$/);
    const silent = await open(port);
    const ended = Promise.all([once(idle, 'close'), readAll(silent)]);

    server.send(signal);
    await server.prints(/"msg":"draining"/);
    await ended;
    // Without a `complete`: clients reconnect, to another server.
    for (const stream of streams) await expect(stream.text()).rejects.toThrow('terminated');
    await expect(open(port)).rejects.toThrow('ECONNREFUSED');

    // While the request runs, further signals change nothing.
    server.send(signal);
    server.send('SIGTERM');
    const answer = await running.finish();
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*Connection: close\r\n/);
    expect(answer).toContain('{"data":{"createThread":{"thread":{"status":"IDLE"}}}}');
    expect(await server.ending).toMatchObject({ code: 0, signal: null, stderr: '' });
  });
});

async function pageOf(port: number): Promise<string> {
  const headers = { accept: 'text/html', connection: 'close' };
  return (await fetch(`http://127.0.0.1:${port}/graphql`, { headers })).text();
}

/** Starts a server that logs when it drains. */
async function startServer(): Promise<{ server: Started; port: number; token: string }> {
  const server = project.server({ LOG_LEVEL: 'debug' });
  return { server, ...(await greeting(server)) };
}

function subscribe(port: number, token: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}/graphql?query=subscription{threadChanged{threadId}}`, {
    headers: { accept: 'text/event-stream', authorization: `Bearer ${token}` },
  });
}
