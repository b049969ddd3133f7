import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { environment } from '../../src/environment.ts';

const root = new URL('../../', import.meta.url);

function read(name: string): string {
  return readFileSync(new URL(name, root), 'utf8');
}

const dockerfile = read('Dockerfile');

describe('the image', () => {
  it('should be built from files that exist, and that .dockerignore lets through', () => {
    const copies = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)];
    const sources = new Set(copies.flatMap(([, names = '']) => names.split(' ')));
    const [, ...allowed] = read('.dockerignore').matchAll(/^!?(\S+)$/gm);
    expect(sources).toEqual(new Set(allowed.map(([, name]) => name)));
    for (const name of sources)
      expect({ name, exists: existsSync(new URL(name, root)) }).toMatchObject({ exists: true });
  });

  it('should start what the build makes, as nobody in particular, and without a shell', () => {
    const [, command = '[]'] = /^CMD (.+)$/m.exec(dockerfile) ?? [];
    const { scripts }: { scripts: { start: string } } = JSON.parse(read('package.json'));
    const words: string[] = JSON.parse(command);
    expect(`exec ${words.join(' ')}`).toBe(scripts.start);
    expect(dockerfile).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m);
  });
});

describe('compose.yaml', () => {
  it('should set variables that the server reads', () => {
    const names = [...read('compose.yaml').matchAll(/^ {6}([A-Z_]+):/gm)].map(([, name = '']) => name);
    expect(names).toContain('AUTH_SECRET');
    expect(Object.keys(environment.shape)).toEqual(expect.arrayContaining(names));
  });

  it('should wait for longer than the server takes to finish', () => {
    const [, seconds] = /^ {4}stop_grace_period: (\d+)s$/m.exec(read('compose.yaml')) ?? [];
    const [, patience = ''] = /SHUTDOWN_TIMEOUT = ([\d_]+);/.exec(read('src/start-server.ts')) ?? [];
    expect(Number(seconds) * 1_000).toBeGreaterThan(Number(patience.replaceAll('_', '')) + 2_000);
  });
});
