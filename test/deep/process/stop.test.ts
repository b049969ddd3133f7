import { execFileSync } from 'node:child_process';
import { type FileHandle, open as openFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from '../../http/listen.ts';
import { clientOf, SECRET } from '../../process/client.ts';
import { holdMutation } from '../../process/raw-request.ts';
import { ask, greeting, openProject, type Project, START } from '../../process/project.ts';
import { bound } from '../../support/slowness.ts';

let project: Project;

beforeAll(async () => {
  project = await openProject();
});

afterAll(() => project.remove());

describe('a server that is told to stop', () => {
  it('should stop at once when nothing runs, and not after the time that running requests are given', async () => {
    const [busy, idle] = [project.server(), project.server()];
    const [{ port, token }] = await Promise.all([greeting(busy), greeting(idle)]);
    const running = await holdMutation(port, token);
    for (const server of [busy, idle]) server.send('SIGTERM');
    expect(await idle.ending).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(await running.finish()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(await busy.ending).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  it('should serve everything for SHUTDOWN_DELAY, new connections too, but say that it is not ready', async () => {
    const server = project.server({ SHUTDOWN_DELAY: '3600', LOG_LEVEL: 'debug' });
    const { port, token } = await greeting(server);
    const get = (path: string) =>
      fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } });
    expect((await get('/ready')).status).toBe(200);
    server.send('SIGTERM');
    await server.prints(/"msg":"draining"/);
    expect((await get('/ready')).status).toBe(503);
    expect((await get('/health')).status).toBe(200);
    expect(await ask(port, token, '{ __typename }')).toMatchObject({ status: 200 });
  });

  it('should stop after SHUTDOWN_DELAY', async () => {
    const server = project.server({ SHUTDOWN_DELAY: '1' });
    await greeting(server);
    server.send('SIGTERM');
    expect(await server.ending).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  it('should end in 10 s though nobody reads its log', async () => {
    const log = join(project.folder, 'log');
    execFileSync('mkfifo', [log]);
    // Open on both sides, so that nobody waits for the other one.
    const pipe = await openFile(log, 'r+');
    const server = project.start('sh', ['-c', `${START} > ${log}`], { AUTH_SECRET: SECRET });
    const client = await clientOf(await printedPort(pipe), 'alice');
    // 300 characters each, of which a pipe holds 65,536.
    for (let round = 0; round < 10; round++) {
      await Promise.all(Array.from({ length: 50 }, () => client.send('{ __typename }')));
    }
    const signalled = performance.now();
    server.send('SIGTERM');
    expect(await server.ending).toMatchObject({ code: null, signal: 'SIGKILL', stderr: '' });
    expect(performance.now() - signalled).toBeLessThan(bound(10_000));
    await pipe.close();
  });
});

/** Reads no more of a server's log than where it listens. */
async function printedPort(pipe: FileHandle): Promise<number> {
  let text = '';
  for (;;) {
    const port = /localhost:(\d+)\//.exec(text)?.[1];
    if (port !== undefined) return Number(port);
    const { buffer, bytesRead } = await pipe.read();
    text += buffer.toString('utf8', 0, bytesRead);
  }
}

describe('npm start', () => {
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
