import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { clientOf, SERVER, tokenOf } from '../../process/client.ts';
import { createAssistant, createRun, startWorker } from '../../process/echo-worker.ts';
import { ask, greeting, loggedPort, openProject, type Project } from '../../process/project.ts';
import { blocksUnder, blockUnder } from '../../support/blocks.ts';
import { connected } from '../../support/postgres/admin.ts';
import { createDatabase, sharedPostgres, type TestDatabase } from '../../support/postgres/database.ts';
import { recordCalls } from '../../support/recorded-calls.ts';
import { openShell } from '../../support/shell.ts';
import { startIdentityProvider } from '../deployment/identity-provider.ts';
import { endedRun } from '../workers/runs.ts';

let project: Project;

beforeAll(async () => {
  project = await openProject();
});

afterAll(() => project.remove());

async function openDatabase(): Promise<TestDatabase> {
  const database = await createDatabase();
  onTestFinished(() => database.drop());
  return database;
}

/** The statements of a block of SQL. */
function statementsOf(page: string, heading: string): readonly string[] {
  return blockUnder(page, heading, 'sql')
    .body.split(';\n')
    .filter((statement) => statement.trim() !== '');
}

const TSX = fileURLToPath(import.meta.resolve('tsx'));
/** Asks by the link of docs/trusted-documents.md, as a client whose documents have their hashes. */
const APOLLO = `
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
LINK
const { URL: uri, TOKEN } = process.env;
const http = new HttpLink({ uri, headers: { authorization: \`Bearer \${TOKEN}\` } });
const client = new ApolloClient({ link: hashes.concat(http), cache: new InMemoryCache() });
for (const [hash, text] of DOCUMENTS) {
  const query = Object.assign(gql(text), { __meta__: { hash } });
  console.log((await client.query({ query })).data.threads.totalCount);
}
`;

const COUNT = '{ threads { totalCount } }';
const NONE = { status: 200, body: { data: { threads: { totalCount: 0 } } } };

describe('docs/configuration.md', () => {
  it('should have commands that start a server in production', async () => {
    const commands = blockUnder('docs/configuration.md', 'In production', 'sh').body;
    const [install, start, ...others] = await recordCalls('npm', commands, project.folder);
    expect(others).toEqual([]);
    expect([install?.args, start?.args]).toEqual([['ci'], ['start']]);
    expect(install?.env).not.toHaveProperty('NODE_ENV');
    const { NODE_ENV = '', AUTH_ISSUER = '', AUTH_AUDIENCE = '', AUTH_JWKS_URL = '' } = start?.env ?? {};
    expect(AUTH_JWKS_URL).toMatch(/^https:/);
    const provider = await startIdentityProvider();
    onTestFinished(provider.stop);
    const env = { NODE_ENV, AUTH_ISSUER, AUTH_AUDIENCE };
    const port = await loggedPort(project.server({ ...env, AUTH_JWKS_URL: provider.keySet }));
    expect(await ask(port, await provider.token(env, 'alice'), COUNT)).toEqual(NONE);
  });
});

describe('docs/langgraph.md', () => {
  it('should name the packages that its programs import', async () => {
    const [install] = blocksUnder('docs/langgraph.md', 'A worker');
    const [call] = await recordCalls('npm', install?.body ?? '', project.folder);
    const { name, devDependencies } = z
      .object({ name: z.string(), devDependencies: z.record(z.string(), z.string()) })
      .parse(JSON.parse(await readFile('package.json', 'utf8')));
    expect(call?.args[0]).toBe('install');
    expect([name, ...Object.keys(devDependencies)]).toEqual(
      expect.arrayContaining(call?.args.slice(1) ?? []),
    );
  });

  it("should print a worker's token, and start the worker", async () => {
    const [, commands] = blocksUnder('docs/langgraph.md', 'A worker').filter(
      ({ language }) => language === 'sh',
    );
    const [call] = await recordCalls('npx', commands?.body ?? '', project.folder);
    expect(call?.args).toEqual(['tsx', 'worker.ts']);
    const [, claims = ''] = call?.env['AGENT_GRAPHQL_TOKEN']?.split('.') ?? [];
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
      sub: 'worker-1',
      graphs: ['refunds'],
    });
  });
});

describe('docs/postgres.md', () => {
  const PAGE = 'docs/postgres.md';

  it('should create a role and a database for a server', async () => {
    const [role, database] = statementsOf(PAGE, 'A plain server');
    const [call] = await recordCalls('npm', blockUnder(PAGE, 'A plain server', 'sh').body, project.folder);
    expect(call?.args).toEqual(['start']);
    const url = new URL(call?.env['DATABASE_URL'] ?? '');
    const { adminUrl, drop } = await createDatabase();
    const name = new URL(adminUrl).pathname.slice(1);
    const server = await sharedPostgres();
    await connected(server, async (sql) => {
      for (const statement of [role, database])
        await sql.unsafe(
          (statement ?? '').replaceAll('agent_graphql', `${name}_role`).replaceAll('agents', `${name}_db`),
        );
    });
    onTestFinished(async () => {
      await connected(server, async (sql) => {
        await sql.unsafe(`DROP DATABASE ${name}_db WITH (FORCE)`);
        await sql.unsafe(`DROP ROLE ${name}_role`);
      });
      await drop();
    });
    const own = Object.assign(new URL(server), {
      username: `${name}_role`,
      password: url.password,
      pathname: `/${name}_db`,
    });
    expect(url.username).toBe('agent_graphql');
    const started = project.server({ ...SERVER, DATABASE_URL: own.href });
    const { port } = await greeting(started);
    expect(await ask(port, await tokenOf('alice'), COUNT)).toEqual(NONE);
    started.send('SIGTERM');
    await started.ending;
  });

  it('should create a role on Supabase that may create the schema', async () => {
    const { adminUrl } = await openDatabase();
    const name = new URL(adminUrl).pathname.slice(1);
    await connected(adminUrl, async (sql) => {
      for (const statement of statementsOf(PAGE, 'Supabase'))
        await sql.unsafe(
          statement.replaceAll('agent_graphql', `${name}_s`).replace('DATABASE postgres', `DATABASE ${name}`),
        );
      const [row] =
        await sql`SELECT rolbypassrls, has_database_privilege(rolname, current_database(), 'CREATE') AS creates
        FROM pg_roles WHERE rolname = ${`${name}_s`}`;
      expect(row).toEqual({ rolbypassrls: false, creates: true });
      await sql.unsafe(`DROP OWNED BY ${name}_s`);
      await sql.unsafe(`DROP ROLE ${name}_s`);
    });
  });

  it("should show an owner's threads by hand", async () => {
    const { url } = await openDatabase();
    const server = project.server({ ...SERVER, DATABASE_URL: url });
    const { port } = await greeting(server);
    const alice = await clientOf(port, 'alice');
    await alice.send('mutation { createThread { thread { id } } }');
    await (await clientOf(port, 'bob')).send('mutation { createThread { thread { id } } }');
    const rows = await connected(url, async (sql) => {
      const results: unknown[] = [];
      for (const statement of statementsOf(PAGE, 'What is in the database'))
        results.push(...(await sql.unsafe(statement)));
      return results;
    });
    expect(rows).toEqual([
      { set_config: 'alice' },
      { id: expect.stringMatching(/^[0-9a-f-]{36}$/), status: 'IDLE' },
    ]);
    server.send('SIGTERM');
    await server.ending;
  });
});

describe('docs/moving.md', () => {
  it('should move a folder to PostgreSQL, by a file and without, in the format that it shows', async () => {
    const server = project.server({ ...SERVER, DATA_DIR: 'data' });
    const { port } = await greeting(server);
    const client = await clientOf(port, 'alice');
    const worker = await startWorker(project, port);
    const assistantId = await createAssistant(client);
    const { id } = await createRun(client, assistantId, { input: { text: 'a b' }, idempotencyKey: 'k' });
    expect(await endedRun(client, id)).toMatchObject({ status: 'SUCCESS' });
    worker.send('SIGTERM');
    await worker.ending;
    server.send('SIGTERM');
    await server.ending;

    const [file, pipe, sample] = [...blocksUnder('docs/moving.md', 'Moving data')];
    for (const { body = '' } of [file, pipe].map((block) => ({ body: block?.body ?? '' }))) {
      const { url } = await openDatabase();
      const commands = body.replaceAll('postgres://…', url);
      const shell = openShell(project.folder, { npm_config_update_notifier: 'false' });
      // Without compiling the project each time; another test goes by npm.
      await shell.run('npm() { node dist/cli/main.js "${@: -1}"; }');
      expect(await shell.run(commands)).toContain('Imported 1 assistant, 1 thread and 1 run.');
      shell.close();
    }
    const exported = await readFile(join(project.folder, 'data.jsonl'), 'utf8');
    const actual = exported
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map(kindsOf);
    const shown = (sample?.body ?? '').split('\n').filter((line) => line.startsWith('{'));
    expect(shown.length).toBeGreaterThan(8);
    for (const line of shown) {
      const kinds = kindsOf(line.replaceAll('{…}', '{}').replaceAll(/,?…(?=,|\})/g, ''));
      const isKnown = actual.some((known) => kinds.every((kind) => known.includes(kind)));
      expect({ line, isKnown }).toEqual({ line, isKnown: true });
    }
  });
});

describe('docs/trusted-documents.md', () => {
  it('should answer a hash with its document', async () => {
    const [map, answer] = blocksUnder('docs/trusted-documents.md', 'Trusted documents').filter(
      ({ language }) => language === 'json',
    );
    const [start, send] = blocksUnder('docs/trusted-documents.md', 'Trusted documents').filter(
      ({ language }) => language === 'sh',
    );
    const shell = openShell(project.folder, { TOKEN: await tokenOf('alice'), MAP: map?.body ?? '' });
    await shell.run('mkdir -p src/gql; printf %s "$MAP" > src/gql/persisted-documents.json');
    const [call] = await recordCalls('npm', start?.body ?? '', project.folder);
    const { TRUSTED_DOCUMENTS = '', TRUSTED_DOCUMENTS_ONLY = '' } = call?.env ?? {};
    const { port } = await greeting(project.server({ ...SERVER, TRUSTED_DOCUMENTS, TRUSTED_DOCUMENTS_ONLY }));
    expect(await shell.run(send?.body.replace('localhost:4000', `localhost:${port}`) ?? '')).toBe(
      answer?.body.trim(),
    );
    expect(TRUSTED_DOCUMENTS_ONLY).toBe('on');
    shell.close();

    // The link, by the hash alone, and with a hash that the server does not know.
    const [, link] = blocksUnder('docs/trusted-documents.md', 'Trusted documents').filter(
      ({ language }) => language === 'ts',
    );
    const known = Object.entries(z.record(z.string(), z.string()).parse(JSON.parse(map?.body ?? '')));
    const other = await greeting(project.server({ ...SERVER, TRUSTED_DOCUMENTS }));
    const cases = [
      { port, documents: known },
      { port: other.port, documents: [['0'.repeat(64), 'query Count { threads { totalCount } }']] },
    ];
    for (const { port: at, documents } of cases) {
      const program = APOLLO.replace('LINK', () => link?.body ?? '').replace(
        'DOCUMENTS',
        JSON.stringify(documents),
      );
      await writeFile(join(project.folder, 'apollo.ts'), program);
      const run = project.start(process.execPath, ['--import', TSX, 'apollo.ts'], {
        URL: `http://localhost:${at}/graphql`,
        TOKEN: await tokenOf('alice'),
      });
      expect(await run.ending).toMatchObject({ code: 0, stdout: '0\n', stderr: '' });
    }
  });
});

/** The keys of a line of the file, and of what is in it. */
function kindsOf(line: string): readonly string[] {
  const kinds: string[] = [];
  JSON.parse(line, (key, value: unknown) => {
    if (key !== '') kinds.push(key);
    return value;
  });
  return kinds;
}
