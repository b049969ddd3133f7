import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { printedSchema } from '../../../src/schema/schema.ts';
import {
  ask,
  type Ending,
  greeting,
  openProject,
  type Project,
  type Started,
} from '../../process/project.ts';

let project: Project;

beforeAll(async () => {
  project = await openProject();
});

afterAll(() => project.remove());

/** Starts the program with its arguments. */
function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Started {
  return project.start(process.execPath, ['dist/cli/main.js', ...args], env);
}

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ending> {
  return start(args, env).ending;
}

const COUNTS = '{ assistants { totalCount } threads { totalCount } runs { totalCount nodes { status } } }';

describe('agent-graphql', () => {
  it('should serve without a command, where its options say', async () => {
    const server = start(['--port', '0', '--host', 'localhost', '--data', 'kept']);
    const { port, token } = await greeting(server);
    expect(await ask(port, token, '{ threads { totalCount } }')).toMatchObject({ status: 200 });
    expect(existsSync(join(project.folder, 'kept', 'data.mdb'))).toBe(true);
    server.send('SIGTERM');
    expect(await server.ending).toMatchObject({ code: 0, stderr: '' });
  });

  it('should say what it is and what it accepts', async () => {
    const { version } = JSON.parse(readFileSync(join(project.folder, 'package.json'), 'utf8'));
    expect(await run(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
    const help = await run(['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    const commands = Array.from(help.stdout.matchAll(/^ {2}([a-z]+) {2}/gm), ([, name = '']) => name);
    expect(commands).toEqual(['serve', 'token', 'seed', 'export', 'import', 'migrate', 'schema']);
    for (const command of commands) {
      const own = await run([command, '--help']);
      expect(own).toMatchObject({ code: 0, stderr: '' });
      expect(own.stdout).toContain(`Usage: agent-graphql ${command} `);
    }
  });

  it.each([
    [
      'an unknown command',
      ['serv'],
      /^Unknown command 'serv'\. agent-graphql accepts serve, .*--version\.\n$/,
    ],
    [
      'a value that looks like an option',
      ['--port', '-1'],
      /^Option '--port' argument is ambiguous\. serve accepts .*\n$/,
    ],
    ['an unknown option', ['--prot', '1'], /^Unknown option '--prot'\. serve accepts --port <number>, .*\n$/],
    [
      'an option of another command',
      ['migrate', '--data', 'x'],
      /^Unknown option '--data'\. migrate accepts .*\n$/,
    ],
    [
      'an option without its value',
      ['--port'],
      /^Option '--port <value>' argument missing\. serve accepts .*\n$/,
    ],
    ['an empty value', ['--data', ''], /^--data must not be empty\.\n$/],
    [
      'a bad value, by the name of the option',
      ['--port', '65536'],
      /^--port must be a whole number .*"65536"\.\n$/,
    ],
    [
      'words that belong to nothing',
      ['schema', 'x'],
      /^Unexpected argument 'x'\. schema accepts --help\.\n$/,
    ],
    [
      'both a folder and a database',
      ['--data', 'x'],
      /^--data must not be set together with DATABASE_URL.*\n$/,
    ],
  ])('should refuse %s in one line', async (_, args, line) => {
    const ending = await run(args, { DATABASE_URL: 'postgres://localhost/none' });
    expect(ending).toMatchObject({ code: 1, stdout: '' });
    expect(ending.stderr).toMatch(line);
  });

  it('should print the schema', async () => {
    expect(await run(['schema'])).toMatchObject({ code: 0, stdout: printedSchema(), stderr: '' });
  });

  it('should fill a server with samples, once', async () => {
    const server = project.server();
    const { port, token } = await greeting(server);
    const url = `http://localhost:${port}/graphql`;
    const said = `${url} has 3 assistants, 5 threads and 5 runs of the samples.\n`;
    expect(await run(['seed'], { PORT: String(port) })).toMatchObject({ code: 0, stdout: '', stderr: said });
    const seeded = await ask(port, token, COUNTS);
    expect(seeded).toMatchObject({
      body: { data: { assistants: { totalCount: 3 }, threads: { totalCount: 5 }, runs: { totalCount: 5 } } },
    });
    expect(await run(['seed', '--url', url, '--token', token])).toMatchObject({ code: 0, stderr: said });
    expect(await ask(port, token, COUNTS)).toEqual(seeded);

    const refused = await run(['seed', '--url', url, '--token', 'x']);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/ refused: The token is [^\n]+\n$/);
    server.send('SIGTERM');
    await server.ending;
    const down = await run(['seed'], { PORT: String(port) });
    expect(down).toMatchObject({ code: 1, stdout: '' });
    expect(down.stderr).toMatch(/does not answer as the API: is the server running\? [^\n]*\n$/);
  });

  it('should offer a free port where one is in use', async () => {
    const server = project.server();
    const { port } = await greeting(server);
    const refused = await run(['--port', String(port)]);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    const [, free] =
      /^--port (?:\d+) is in use by another process: .*: agent-graphql --port (\d+)\n$/.exec(
        refused.stderr,
      ) ?? [];
    expect(Number(free)).toBeGreaterThan(port);
    const script = { npm_package_name: 'agent-graphql', npm_lifecycle_event: 'start', PORT: String(port) };
    const byScript = await project.server(script).ending;
    expect(byScript.stderr).toMatch(new RegExp(`^PORT ${port} is in use [^\\n]*: PORT=\\d+ npm start\\n$`));
    server.send('SIGTERM');
    await server.ending;
  });
});
