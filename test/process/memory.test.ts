import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyProject, type Started } from './project.ts';

const project = copyProject();
const WARM_UP = 300;
const DOCUMENTS = 1_200;

beforeAll(project.build, 60_000);
afterAll(() => project.remove());

describe('a stream of distinct documents', { timeout: 120_000 }, () => {
  it('should not make the process grow by more than 45 MiB', async () => {
    const server = project.server();
    const [, port] = await server.prints(/localhost:(\d+)/);
    // As large as the others, so that V8's young generation is as large as it will be.
    for (let i = 0; i < WARM_UP; i++) await post(port, documentOf(0));
    const pid = await pidOf(server);
    const before = residentMiB(pid);
    for (let i = 1; i <= DOCUMENTS; i++) await post(port, documentOf(i));
    expect(residentMiB(pid) - before).toBeLessThan(45);
    server.send('SIGTERM');
    await server.ending;
  });
});

function documentOf(i: number): string {
  return `{ __schema { queryType { a${i}: name ${'name '.repeat(220)} } } } #${'x'.repeat(40_000)}`;
}

async function post(port: string | undefined, query: string): Promise<void> {
  const response = await fetch(`http://localhost:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  expect(response.status).toBe(200);
  await response.text();
}

/** From the log line of a request. */
async function pidOf(server: Started): Promise<string> {
  const [, pid = ''] = await server.prints(/"pid":(\d+)/);
  return pid;
}

function residentMiB(pid: string): number {
  const file = `/proc/${pid}/status`;
  const kibibytes = existsSync(file)
    ? /VmRSS:\s+(\d+)/.exec(readFileSync(file, 'utf8'))?.[1]
    : execFileSync('ps', ['-o', 'rss=', '-p', pid], { encoding: 'utf8' });
  return Number(kibibytes) / 1_024;
}
