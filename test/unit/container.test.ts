import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { environment } from '../../src/environment.ts';
import { SHUTDOWN_TIMEOUT, WAITS_SHUTDOWN_TIMEOUT } from '../../src/limits.ts';

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
    expect(Number(seconds) * 1_000).toBeGreaterThan(WAITS_SHUTDOWN_TIMEOUT + SHUTDOWN_TIMEOUT);
  });
});

describe('compose.postgres.yaml', () => {
  it('should add what the server reads, and a role that row-level security holds', () => {
    const text = read('compose.postgres.yaml');
    const [, server = ''] = /^ {2}server:\n(.*?)\n\n/ms.exec(text) ?? [];
    const names = [...server.matchAll(/^ {6}([A-Z_]+):/gm)].map(([, name = '']) => name);
    expect(names).toEqual(['DATABASE_URL']);
    expect(read('compose.yaml')).toContain('      DATABASE_URL:');
    const [, user = ''] = /postgres:\/\/(\w+):/.exec(server) ?? [];
    expect(text).toContain(`CREATE ROLE ${user} LOGIN PASSWORD :'password' NOSUPERUSER NOBYPASSRLS;`);
    expect(text).toContain(`OWNER ${user} ENCODING 'UTF8'`);
  });
});

describe('docs/deploy.md', () => {
  it('should set variables that the server or a worker reads, to values that are accepted', () => {
    const text = read('docs/deploy.md');
    const settings = [
      ...text.matchAll(/(?:name|key): ([A-Z][A-Z_]+), value: '?([^' }]+)/g),
      ...text.matchAll(/^([A-Z][A-Z_]+) = "(.+)"$/gm),
    ].map(([, name = '', value = '']) => ({ name, value }));
    const ofServer = settings.filter(({ name }) => !name.startsWith('AGENT_GRAPHQL_'));
    expect(ofServer.length).toBeGreaterThan(10);
    expect(Object.keys(environment.shape)).toEqual(expect.arrayContaining(ofServer.map(({ name }) => name)));
    for (const { name, value } of ofServer) {
      expect(environment.partial().safeParse({ [name]: value })).toMatchObject({ success: true });
    }
  });
});
