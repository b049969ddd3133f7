import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filesIn } from '../../contract/archive/moved.ts';
import { end, fileOf, GOOD, HEADER, line, thread } from '../../contract/archive/sample.ts';
import { connected } from '../../support/postgres/admin.ts';
import { createDatabase, type TestDatabase } from '../../support/postgres/database.ts';
import { type Ending, openProject, type Project } from '../../process/project.ts';

let project: Project;
let database: TestDatabase;

beforeAll(async () => {
  project = await openProject();
  database = await createDatabase();
});

afterAll(async () => {
  await project.remove();
  await database.drop();
});

const EMPTY = fileOf(HEADER, end(0, 0, 0));
/** More than is read before the first records are stored. */
const MANY = 10_000;

/** A file with many threads. */
function large(): string {
  const threads = Array.from({ length: MANY }, (_, index) =>
    line('alice', 'thread', thread({ id: index.toString(16).padStart(32, '0') })),
  );
  return fileOf(HEADER, ...threads, end(0, MANY, 0));
}

/** Runs something by a shell in the project's folder. */
function shell(command: string, env: Readonly<Record<string, string>> = {}): Promise<Ending> {
  // Without the check for a newer npm.
  return project.start('/bin/sh', ['-c', command], { npm_config_update_notifier: 'false', ...env }).ending;
}

async function emptyDatabase(): Promise<void> {
  await connected(database.adminUrl, (sql) => sql.unsafe('DROP SCHEMA IF EXISTS agent_graphql CASCADE'));
}

describe('moving data', () => {
  it('should go by npm, also where the server would miss its variables', async () => {
    await emptyDatabase();
    const one = { NODE_ENV: 'production', DATA_DIR: 'one' };
    const two = { NODE_ENV: 'production', DATABASE_URL: database.url };
    const three = { DATA_DIR: 'three' };
    writeFileSync(join(project.folder, 'zero.jsonl'), fileOf(...GOOD));

    const said = '1 assistant, 1 thread and 1 run.\n';
    expect(await shell('node dist/cli/main.js import < zero.jsonl', one)).toMatchObject({
      code: 0,
      stderr: `Imported ${said}`,
    });
    const exported = await shell('npm run export > one.jsonl', one);
    expect(exported).toStrictEqual({ code: 0, signal: null, stdout: '', stderr: `Exported ${said}` });
    expect(readFileSync(join(project.folder, 'one.jsonl'), 'utf8')).toMatch(/^\n> agent-graphql@/);
    expect(await shell('npm run import < one.jsonl', two)).toMatchObject({
      code: 0,
      stderr: `Imported ${said}`,
    });
    const [from, to] = ['node dist/cli/main.js export', 'node dist/cli/main.js import'];
    const piped = await shell(`${from} | DATABASE_URL= DATA_DIR=three ${to}`, two);
    expect(piped).toMatchObject({ code: 0, stderr: expect.stringContaining(`Imported ${said}`) });
    expect((await shell('node dist/cli/main.js export', three)).stdout).toBe(fileOf(...GOOD));
  });

  it('should bring a database up to date, and say so', async () => {
    await emptyDatabase();
    const env = { DATABASE_URL: database.url };
    const first = await shell('npm run --silent migrate', env);
    expect(first).toMatchObject({ code: 0, stderr: 'The database is now up to date.\n' });
    expect(first.stdout).toMatch(/^(Applied migration \d+\.\n)+$/);
    expect(await shell('node dist/cli/main.js migrate', env)).toStrictEqual({
      code: 0,
      signal: null,
      stdout: '',
      stderr: 'The database is up to date.\n',
    });
  });

  const NEITHER =
    'DATA_DIR or DATABASE_URL must be set, to the folder or the database that holds the data.\n';
  it.each([
    ['export', {}, NEITHER],
    ['import', {}, NEITHER],
    [
      'import',
      { DATA_DIR: 'a', DATABASE_URL: 'postgres://b/c' },
      /^DATA_DIR must not be set together [^\n]+\n$/,
    ],
    ['migrate', { DATA_DIR: 'a' }, 'DATABASE_URL must be set, to the database to bring up to date.\n'],
    [
      'export',
      { DATABASE_URL: 'postgres://a:secret@127.0.0.1:1/b' },
      /^DATABASE_URL names (?!.*secret)[^\n]+\n$/,
    ],
    [
      'migrate',
      { DATABASE_URL: 'postgres://a:secret@127.0.0.1:1/b' },
      /^DATABASE_URL names (?!.*secret)[^\n]+\n$/,
    ],
    ['import', { DATA_DIR: 'wrong' }, /^There is no file to import: [^\n]+\n$/],
  ])('should refuse to %s with %o', async (command, env, said) => {
    const ending = await shell(`node dist/cli/main.js ${command}`, env);
    expect(ending).toMatchObject({ code: 1, stdout: '' });
    expect(ending.stderr).toMatch(said);
  });

  it('should stop with a line when nobody reads the file to its end', async () => {
    writeFileSync(join(project.folder, 'large.jsonl'), large());
    await shell('node dist/cli/main.js import < large.jsonl', { DATA_DIR: 'large' });
    const ending = await shell('node dist/cli/main.js export | head -c 10', { DATA_DIR: 'large' });
    expect(ending.stdout).toBe('{"format":');
    expect(ending.stderr).toMatch(/^The file could not be written to its end: [^\n]*EPIPE[^\n]*\.\n$/);
  });
});

/** Sends the most of a file, and kills the process when it has stored some of it. */
async function killInTheMiddle(env: Readonly<Record<string, string>>): Promise<void> {
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, ['dist/cli/main.js', 'import'], {
    cwd: project.folder,
    env: { PATH, ...env },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const ended = once(child, 'exit');
  const file = large();
  const sent = new Promise((resolve) => {
    child.stdin.write(file.slice(0, (file.length * 3) / 4), resolve);
  });
  await Promise.race([sent, ended]);
  child.kill('SIGKILL');
  expect(await ended).toStrictEqual([null, 'SIGKILL']);
}

describe('an import that is killed in the middle', () => {
  it('should leave a folder as it was, and not stand in the way of the next', async () => {
    const env = { DATA_DIR: join(project.folder, 'killed') };
    mkdirSync(env.DATA_DIR);
    await killInTheMiddle(env);
    expect(filesIn(env.DATA_DIR)).toStrictEqual(['data.mdb.new']);
    expect((await shell('node dist/cli/main.js export', env)).stderr).toMatch(/has no data in it\.\n$/);
    execFileSync(process.execPath, ['dist/cli/main.js', 'import'], {
      cwd: project.folder,
      env,
      input: large(),
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    expect((await shell('node dist/cli/main.js export', env)).stdout).toBe(large());
  });

  it('should leave a database as it was, and not stand in the way of the next', async () => {
    await emptyDatabase();
    const env = { DATABASE_URL: database.url };
    await killInTheMiddle(env);
    expect((await shell('node dist/cli/main.js export', env)).stdout).toBe(EMPTY);
    writeFileSync(join(project.folder, 'again.jsonl'), large());
    expect((await shell('node dist/cli/main.js import < again.jsonl', env)).stderr).toMatch(/^Imported /);
    expect((await shell('node dist/cli/main.js export', env)).stdout).toBe(large());
  });
});
