import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { asOwner } from '../../../src/store/owner.ts';
import { mintToken } from '../../../src/auth/mint-token.ts';
import { environment } from '../../../src/environment.ts';
import { printedSchema } from '../../../src/schema/schema.ts';
import { ask, kill } from '../../process/project.ts';
import { blocksOf, blockUnder } from '../../support/blocks.ts';
import { installPacked, type PackedProject } from './packed.ts';

let packed: PackedProject;

beforeAll(async () => {
  packed = await installPacked();
});

afterAll(() => packed.remove());

const SECRET = 'a secret for tests, 32 bytes or more';
const COUNT = '{ threads { totalCount } }';
const NONE = { data: { threads: { totalCount: 0 } } };

/** Starts something in the consumer's folder. Resolves to a part of what it prints. */
async function start(command: string, args: readonly string[], pattern: RegExp) {
  const { PATH = '' } = process.env;
  const child = spawn(command, args, {
    cwd: packed.folder,
    env: { PATH, HOME: packed.folder, PORT: '0', AUTH_SECRET: SECRET },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const exited = once(child, 'exit');
  onTestFinished(() => kill(child));
  let printed = '';
  for await (const chunk of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    printed += String(chunk);
    const found = pattern.exec(printed);
    if (found !== null) return { child, found, exited };
  }
  throw new Error(`It ended without ${pattern}: ${printed}`);
}

/** The JavaScript in docs/embedding.md. */
const SNIPPETS = blocksOf('docs/embedding.md').flatMap(({ language, body }) =>
  language === 'js' ? [body] : [],
);

/** Whether a problem is one of ES modules too. Versions of Node.js that are supported take them by `require`. */
function isOfModules(problem: object): boolean {
  const kind = 'resolutionKind' in problem ? problem.resolutionKind : null;
  return kind !== 'node10' && kind !== 'node16-cjs';
}

describe('the package', () => {
  it('should hold what runs, and nothing else', () => {
    const others = packed.files.filter((path) => !/^dist\/(?!bundle\/).*\.(?:js|d\.ts)$/.test(path));
    expect(others.toSorted()).toEqual([
      '.env.example',
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'package.json',
      'schema.graphql',
    ]);
    expect(packed.files).toContain('dist/cli/main.js');
  });

  it('should be what its package.json says, for Node.js and for TypeScript', async () => {
    const { buffer, byteOffset, byteLength } = packed.tarball;
    const tarball = buffer.slice(byteOffset, byteOffset + byteLength);
    if (!(tarball instanceof ArrayBuffer)) throw new TypeError('A file is read into an ArrayBuffer.');
    expect((await publint({ pack: { tarball }, strict: true })).messages).toEqual([]);
    const types = await checkPackage(createPackageFromTarballData(packed.tarball), {
      excludeEntrypoints: ['./schema.graphql'],
    });
    const problems = 'problems' in types ? types.problems : [];
    expect(types).toHaveProperty('problems');
    expect(problems.filter(isOfModules)).toEqual([]);
  });

  it('should have types that compile', async () => {
    const source = `
      import { createServer, inPostgres, asOwner, type Identity, type RequestObserver, type YogaPlugin } from 'agent-graphql';
      const identity: Identity = { owner: asOwner('alice'), worker: null, expiresAt: 0 };
      const observer: RequestObserver = ({ operationName, duration }) => {
        const name: string | null = operationName;
        const time: number = duration;
        console.log(name, time);
      };
      const plugin: YogaPlugin = {
        onRequest({ url, endResponse, fetchAPI }) {
          if (url.pathname === '/') endResponse(new fetchAPI.Response('Hello'));
        },
      };
      const stores = inPostgres('postgres://localhost/agents', { poolSize: 4 });
      const server = await createServer({ authenticate: () => identity, stores, observers: [observer], plugins: [plugin] });
      const port: number = await server.listen();
      // @ts-expect-error -- The option authenticate is required.
      await createServer({});
      // @ts-expect-error -- A text is no owner.
      const other: Identity = { ...identity, owner: 'alice' };
      console.log(port, other);
    `;
    expect(await packed.compile(source, true)).toEqual({ code: 0, lines: [] });
    // Types of yoga's dependencies have errors of their own.
    const { lines } = await packed.compile(source, false);
    expect(lines.filter((line) => !/^node_modules\/(?!agent-graphql\/)/.test(line))).toEqual([]);
    const wrong = await packed.compile(`${source}\nconst text: string = port;`, true);
    expect(wrong.lines).toEqual([
      expect.stringContaining("Type 'number' is not assignable to type 'string'"),
    ]);
  });

  it('should have modules that can be imported, each by itself', async () => {
    const names = Object.entries(packed.exports).flatMap(([path, target]) =>
      typeof target === 'string' ? [] : [path.replace('.', 'agent-graphql')],
    );
    expect(names.toSorted()).toEqual([
      'agent-graphql',
      'agent-graphql/ag-ui',
      'agent-graphql/ai-sdk',
      'agent-graphql/langgraph',
      'agent-graphql/worker',
    ]);
    for (const name of names) {
      const code = `import * as all from '${name}'; console.log(Object.keys(all).length + ' members');`;
      const args = ['--input-type=module', '-e', code];
      const { found, exited } = await start(process.execPath, args, /^(\d+) members\n$/);
      expect(Number(found[1])).toBeGreaterThan(0);
      expect(await exited).toEqual([0, null]);
      expect(await packed.compile(`import * as all from '${name}'; console.log(all);`, true)).toEqual({
        code: 0,
        lines: [],
      });
    }
  });

  it('should be required, too', async () => {
    const code = `console.log(typeof require('agent-graphql').createServer);`;
    const args = ['--input-type=commonjs', '-e', code];
    expect(await (await start(process.execPath, args, /^function\n$/)).exited).toEqual([0, null]);
    const required: unknown = createRequire(join(packed.folder, 'x.js'))('agent-graphql/package.json');
    expect(required).toMatchObject({ name: 'agent-graphql' });
    const schema = createRequire(join(packed.folder, 'x.js')).resolve('agent-graphql/schema.graphql');
    expect(readFileSync(schema, 'utf8')).toBe(printedSchema());
  });

  it('should have the files that its help names', async () => {
    const { found } = await start('npx', ['agent-graphql', '--help'], /^ {2}(\/.*\.env\.example)$/m);
    const variables = readFileSync(found[1] ?? '', 'utf8');
    for (const name of Object.keys(environment.shape)) expect(variables).toContain(`\n#${name}=`);
  });

  it('should serve by npx in an empty folder, and share its secret with the command for tokens', async () => {
    const { found, child, exited } = await start(
      'npx',
      ['agent-graphql', '--port', '0', '--data', 'data'],
      /localhost:(\d+)\/graphql\n[^\n]*\n(\S+)\n/,
    );
    const [, port = '', token = ''] = found;
    expect(await ask(Number(port), token, COUNT)).toEqual({ status: 200, body: NONE });
    const printed = await start('npx', ['agent-graphql', 'token', 'alice'], /^(\S+)\n$/);
    expect(await ask(Number(port), printed.found[1] ?? '', COUNT)).toEqual({ status: 200, body: NONE });
    expect(existsSync(join(packed.folder, 'data', 'data.mdb'))).toBe(true);
    process.kill(-(child.pid ?? 0), 'SIGTERM');
    await exited;
  });
});

describe('docs/embedding.md', () => {
  it.each([0, 1, 2])('should have a program that serves: number %i', async (index) => {
    const code = SNIPPETS[index] ?? '';
    expect(code).toContain('createServer');
    await writeFile(join(packed.folder, `embed-${index}.js`), code);
    const { found, child, exited } = await start(
      process.execPath,
      [`embed-${index}.js`],
      /http:\/\/localhost:(\d+)\/graphql\n/,
    );
    const port = Number(found[1]);
    const rules =
      index === 0
        ? { issuer: 'https://id.example.com/', audience: 'agents' }
        : { issuer: null, audience: null };
    const token = await mintToken({ secret: SECRET, owner: asOwner('alice'), ownerClaim: 'sub', ...rules });
    const authorization = index === 1 ? 'Session abc' : `Bearer ${token}`;
    const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization, connection: 'close' },
      body: JSON.stringify({ query: COUNT }),
    });
    expect(await response.json()).toEqual(NONE);
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });

  it('should have a plugin that answers', async () => {
    const [plugin = '', ...others] = SNIPPETS.slice(3);
    expect(others).toEqual([]);
    const code = `import { createServer } from 'agent-graphql';
${plugin}
const server = await createServer({ authenticate: () => null, plugins: [version] });
console.log('http://localhost:' + (await server.listen({ port: 0 })) + '/graphql');
process.once('SIGTERM', () => server.close());`;
    await writeFile(join(packed.folder, 'plugin.js'), code);
    const { found, child, exited } = await start(process.execPath, ['plugin.js'], /localhost:(\d+)/);
    const response = await fetch(`http://127.0.0.1:${found[1]}/version`, {
      headers: { connection: 'close' },
    });
    expect(await response.text()).toBe('1.0.0\n');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });
});

describe('toRunInput', () => {
  it.each([
    ['docs/front-ends.md', 'What a worker gets', 'ts', { resume: 'yes' }],
    ['docs/langgraph.md', 'Front ends', 'text', { resume: [{ interruptId: 'i', payload: 'yes' }] }],
  ] as const)('should send new messages alone, as in %s', async (page, heading, language, answer) => {
    const { body } = blockUnder(page, heading, language);
    const source = `
      import type { AgentGraphQLAgentConfig } from 'agent-graphql/ag-ui';
      import type { AgentGraphQLTransportConfig } from 'agent-graphql/ai-sdk';

      const options = {
        ${body}
      } satisfies Pick<AgentGraphQLAgentConfig, 'toRunInput'> & Pick<AgentGraphQLTransportConfig, 'toRunInput'>;
    `;
    expect(await packed.compile(source, true)).toEqual({ code: 0, lines: [] });
    const program = `const { toRunInput } = { ${body} };
      const given = { messages: [{ id: '1' }, { id: '2' }] };
      const resume = [{ interruptId: 'i', payload: 'yes' }];
      console.log(JSON.stringify([toRunInput(given), toRunInput({ ...given, resume })]));`;
    const { found } = await start(process.execPath, ['-e', program], /^(.*)\n$/);
    expect(JSON.parse(found[1] ?? '')).toEqual([{ messages: [{ id: '2' }] }, answer]);
  });
});
