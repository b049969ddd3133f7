import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, openProject, type Project } from './project.ts';

/** util-linux's, which runs a command in a terminal: macOS's takes other options. */
const hasScript = spawnSync('script', ['--version']).stdout?.includes('util-linux') ?? false;

let project: Project;

beforeAll(async () => {
  project = await openProject();
});

afterAll(() => project.remove());

describe.runIf(hasScript)('a start on a terminal', () => {
  it.each([
    ['with colours', { TERM: 'xterm-256color' }, true],
    ['without, by NO_COLOR', { TERM: 'xterm-256color', NO_COLOR: '1' }, false],
    ['with colours, by FORCE_COLOR', { TERM: 'dumb', FORCE_COLOR: '1' }, true],
  ])('should show a summary and a line for each request: %s', async (_, env, hasColors) => {
    const server = project.start('script', ['-qefc', 'node dist/bundle/server.js', '/dev/null'], env);
    const [summary] = await server.prints(
      /agent-graphql[^]*localhost:(\d+)\/graphql[^]*(eyJ[\w.-]+)[^]*\n\r?\n/,
    );
    const [, port = '', token = ''] = /localhost:(\d+)\/graphql[^]*?(eyJ[\w.-]+)/.exec(summary) ?? [];
    expect(summary).toMatch(/Data[^]*in memory/);
    expect(summary).not.toContain('{"level"');
    expect(await ask(Number(port), token, 'query Threads { threads { totalCount } }')).toMatchObject({
      status: 200,
    });
    const [line] = await server.prints(/[^\n]*Threads[^\n]*\n/);
    expect(line).toContain(hasColors ? '\u001B[1mThreads\u001B[22m' : 'POST Threads 200 ');
    expect(line).toContain('dev');
    expect(summary.includes('\u001B[2m')).toBe(hasColors);
  });
});
