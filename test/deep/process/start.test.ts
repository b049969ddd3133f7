import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mintToken } from '../../../src/auth/mint-token.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { ask, greeting, loggedPort, openProject, type Project } from '../../process/project.ts';

let project: Project;

beforeAll(async () => {
  project = await openProject();
});

afterAll(() => project.remove());

const SECRET = 'a secret for tests, 32 bytes or more';
const PRODUCTION = {
  NODE_ENV: 'production',
  AUTH_SECRET: SECRET,
  AUTH_ISSUER: 'https://id.example',
  AUTH_AUDIENCE: 'agents',
};
const COUNT = '{ threads { totalCount } }';
const NONE = { data: { threads: { totalCount: 0 } } };
const INTROSPECTION = '{ __schema { queryType { name } } }';

function pageOf(port: number): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}/graphql`, { headers: { accept: 'text/html', connection: 'close' } });
}

describe('a start', () => {
  it('should print no token in production, and show neither page nor schema', async () => {
    const server = project.server(PRODUCTION);
    const port = await loggedPort(server);
    const options = { secret: SECRET, issuer: 'https://id.example', audience: 'agents', ownerClaim: 'sub' };
    const token = await mintToken({ ...options, owner: owner('alice') });
    expect(await ask(port, token, COUNT)).toEqual({ status: 200, body: NONE });
    expect(await ask(port, token, INTROSPECTION)).not.toHaveProperty('body.data');
    expect((await pageOf(port)).headers.get('content-type') ?? '').not.toContain('html');
    server.send('SIGTERM');
    const { code, stdout, stderr } = await server.ending;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toContain('eyJ');
    const lines = stdout.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['listening', 'request', 'request', 'request']);
  });

  it('should show no page where introspection is off, nor give away a token beyond this machine', async () => {
    const off = project.server({ INTROSPECTION: 'off' });
    const wide = project.server({ HOST: '0.0.0.0', AUTH_SECRET: SECRET });
    const [offPort, widePort] = await Promise.all([greeting(off), greeting(wide)]);
    expect((await pageOf(offPort.port)).headers.get('content-type') ?? '').not.toContain('html');
    const page = await (await pageOf(widePort.port)).text();
    expect(page).toContain('agent-graphql');
    expect(page).not.toContain('eyJ');
    for (const server of [off, wide]) server.send('SIGTERM');
    await Promise.all([off.ending, wide.ending]);
  });

  it('should say in one line that Node.js keeps it from creating functions', async () => {
    const options = { NODE_OPTIONS: '--disallow-code-generation-from-strings' };
    const { code, stdout, stderr } = await project.server(options).ending;
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: '',
      stderr: 'Start Node.js without --disallow-code-generation-from-strings.\n',
    });
  });

  it('should say in one line that its port is in use', async () => {
    const first = project.server();
    const { port } = await greeting(first);
    const { code, stdout, stderr } = await project.server({ PORT: String(port) }).ending;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^PORT [^\n]+\n$/);
    first.send('SIGTERM');
    await first.ending;
  });
});

describe('a start that is refused', () => {
  it.concurrent.each<[string, Record<string, string>]>([
    ['AUTH_SECRET', { NODE_ENV: 'production', AUTH_ISSUER: 'x', AUTH_AUDIENCE: 'y' }],
    ['AUTH_ISSUER', { ...PRODUCTION, AUTH_ISSUER: '' }],
    ['AUTH_AUDIENCE', { ...PRODUCTION, AUTH_AUDIENCE: '' }],
    ['NODE_ENV', { NODE_ENV: 'prod' }],
    ['PORT', { PORT: '65536' }],
    ['HOST', { HOST: 'a host' }],
    ['HOST', { HOST: '203.0.113.1' }],
    ['AUTH_SECRET', { AUTH_SECRET: 'too short to be kept secret' }],
    ['AUTH_JWKS_URL', { AUTH_JWKS_URL: 'ftp://id.example/keys' }],
    ['AUTH_JWKS_URL', { AUTH_JWKS_URL: 'https://id.example/keys', AUTH_SECRET: SECRET }],
    ['AUTH_ISSUER', { AUTH_ISSUER: ' x' }],
    ['AUTH_AUDIENCE', { AUTH_AUDIENCE: 'x ' }],
    ['AUTH_OWNER_CLAIM', { AUTH_OWNER_CLAIM: ' ' }],
    ['CORS_ORIGINS', { CORS_ORIGINS: 'https://a.example/' }],
    ['INTROSPECTION', { INTROSPECTION: 'yes' }],
    ['LOG_LEVEL', { LOG_LEVEL: 'loud' }],
    ['METRICS_PORT', { METRICS_PORT: 'x' }],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', { OTEL_EXPORTER_OTLP_ENDPOINT: 'localhost:4318' }],
  ])('should name %s in one line: %j', async (name, env) => {
    const { code, stdout, stderr } = await project.server(env).ending;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect(stderr.split(' ')[0]).toBe(name);
    expect(stderr).not.toContain('too short to be kept');
  });
});
