import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthenticator } from '../../../src/auth/authenticator.ts';
import { openProject, type Project } from '../../process/project.ts';
import { SECRET } from '../../unit/auth/tokens.ts';

let project: Project;

beforeAll(async () => {
  project = await openProject();
});

afterAll(() => project.remove());

/** Runs what `npm run token` runs. */
function run(args: readonly string[], env: Record<string, string> = {}, { start } = project) {
  return start(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', 'token', ...args], env).ending;
}

const anyone = { issuer: null, audience: null, ownerClaim: 'sub' };

const PRODUCTION = {
  NODE_ENV: 'production',
  AUTH_SECRET: SECRET,
  AUTH_ISSUER: 'https://id.example',
  AUTH_AUDIENCE: 'agents',
};

describe.concurrent('npm run token', () => {
  it('should print a token for the owner that a server with the same secret accepts', async () => {
    const { code, stdout, stderr } = await run(['alice'], { AUTH_SECRET: SECRET });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^\S+\n$/);
    const authenticate = createAuthenticator({ ...anyone, key: SECRET });
    expect(await authenticate(`Bearer ${stdout.trim()}`)).toMatchObject({ owner: 'alice' });
  });

  it('should do so in production, with issuer, audience and the claim that names the owner', async () => {
    const { stdout } = await run(['acme & co'], {
      NODE_ENV: 'production',
      AUTH_SECRET: SECRET,
      AUTH_ISSUER: 'https://id.example',
      AUTH_AUDIENCE: 'agents',
      AUTH_OWNER_CLAIM: 'tenant.id',
    });
    const options = { issuer: 'https://id.example', audience: 'agents', ownerClaim: 'tenant.id' };
    const authenticate = createAuthenticator({ ...options, key: SECRET });
    expect(await authenticate(`Bearer ${stdout.trim()}`)).toMatchObject({ owner: 'acme & co' });
  });

  it('should print a token for a worker, of all graphs or of some', async () => {
    const workerScope = 'agent-graphql:worker';
    const authenticate = createAuthenticator({ ...anyone, key: SECRET, workerScope });
    for (const [args, graphs] of [
      [[], null],
      [
        ['--graphs', 'support,sales'],
        ['support', 'sales'],
      ],
    ] as const) {
      const { stdout } = await run(['--worker', ...args, 'worker-1'], { AUTH_SECRET: SECRET });
      expect(await authenticate(`Bearer ${stdout.trim()}`)).toMatchObject({
        owner: 'worker-1',
        worker: { graphs },
      });
    }
  });

  it('should share the secret for development with the server when none is configured', async () => {
    const { code, stdout } = await run(['alice']);
    expect(code).toBe(0);
    const key = readFileSync(join(project.folder, '.dev-secret'), 'utf8').trim();
    const authenticate = createAuthenticator({ ...anyone, key });
    expect(await authenticate(`Bearer ${stdout.trim()}`)).toMatchObject({ owner: 'alice' });
  });

  it.each<[string, string[], Record<string, string>, string]>([
    ['without an owner', [], { AUTH_SECRET: SECRET }, 'agent-graphql token alice'],
    ['with two owners', ['alice', 'bob'], { AUTH_SECRET: SECRET }, 'agent-graphql token alice'],
    ['with a blank owner', [' '], { AUTH_SECRET: SECRET }, 'not blank'],
    ['with an owner that is too long', ['a'.repeat(256)], { AUTH_SECRET: SECRET }, '1 to 255'],
    ['with an identity provider', ['alice'], { AUTH_JWKS_URL: 'https://id.example/keys' }, 'AUTH_JWKS_URL'],
    ['in production without a secret', ['alice'], { NODE_ENV: 'production' }, 'AUTH_SECRET'],
    [
      'for a worker without a name',
      ['--worker'],
      { AUTH_SECRET: SECRET },
      'agent-graphql token --worker worker-1',
    ],
    ['with graphs for an owner', ['--graphs', 'g', 'alice'], { AUTH_SECRET: SECRET }, '--worker'],
    [
      'with an unknown option',
      ['--graph', 'g', 'alice'],
      { AUTH_SECRET: SECRET },
      "'--graph'. token accepts <owner>, --worker",
    ],
    ['for a worker where the scope is not set', ['--worker', 'w'], PRODUCTION, 'AUTH_WORKER_SCOPE'],
    ['with a bad variable', ['alice'], { AUTH_SECRET: 'short' }, 'AUTH_SECRET'],
  ])('should say what to do in one line %s', async (_kind, args, env, hint) => {
    const { code, stdout, stderr } = await run(args, env);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect(stderr).toContain(hint);
  });

  it('should ask for a secret when none can be kept for the server', async () => {
    const unwritable = await openProject();
    mkdirSync(join(unwritable.folder, '.dev-secret'));
    const { code, stdout, stderr } = await run(['alice'], {}, unwritable);
    await unwritable.remove();
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^AUTH_SECRET must be set[^\n]+\n$/);
  });
});
