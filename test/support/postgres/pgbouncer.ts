import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { blockUnder } from '../blocks.ts';
import { type GuardedFolder, guardedFolder } from './folder.ts';
import { giveTo, userOfPostgres } from './user.ts';

/** A PgBouncer of a test's own. It ends with this process, even where that is killed. */
export interface PgBouncer {
  /** A URL of the PostgreSQL behind it, by way of PgBouncer. */
  through(url: string): string;
  /** Cuts all connections, and starts it again on the same port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Becomes PgBouncer, and ends it when the input ends, which a SIGKILL of the process that holds it brings about too. */
const SCRIPT = `
exec 3<&0
(read -r _ <&3; kill $$) 2> /dev/null &
exec "$1" "$2" 3<&-
`;

/**
 * Starts a PgBouncer in session mode, with its defaults, in front of one server, as docs/postgres.md configures it.
 * @param program the path of `pgbouncer`
 * @param urls of the server: the users in them, with their passwords, may log in, to each of its databases
 * @param settings in place of its defaults, by their names in `pgbouncer.ini`
 */
export async function startPgBouncer(
  program: string,
  urls: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): Promise<PgBouncer> {
  const user = userOfPostgres();
  const folder = await guardedFolder(user);
  const { port } = folder;
  const file = await configure(folder, urls, settings);
  const launch = () =>
    launchPgBouncer(spawn('/bin/sh', ['-c', SCRIPT, 'sh', program, file], { ...user, cwd: '/' }));
  let end = await launch();
  return {
    through(url) {
      const own = new URL(url);
      own.port = `${port}`;
      return own.href;
    },
    async restart() {
      await end();
      end = await launch();
    },
    async stop() {
      await end();
      await folder.remove();
    },
  };
}

/** Writes its configuration: that of docs/postgres.md, with more settings. @returns the path of pgbouncer.ini */
async function configure(
  folder: GuardedFolder,
  urls: readonly string[],
  settings: Readonly<Record<string, string>>,
): Promise<string> {
  const user = userOfPostgres();
  const servers = urls.map((url) => new URL(url));
  const { hostname, port = '5432' } = servers[0] ?? {};
  const file = join(folder.path, 'pgbouncer.ini');
  const users = join(folder.path, 'userlist.txt');
  const page = blockUnder('docs/postgres.md', 'A pooler', 'ini').body;
  const own = page
    .replace('host=127.0.0.1 port=5432', `host=${hostname} port=${port}`)
    .replace('listen_port = 6432', `listen_port = ${folder.port}`)
    .replace('/etc/pgbouncer/userlist.txt', users);
  const all = { unix_socket_dir: '', ...settings };
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}\n`);
  await writeFile(file, own + lines.join(''));
  await writeFile(users, servers.map(({ username, password }) => `"${username}" "${password}"\n`).join(''));
  for (const path of [file, users]) await giveTo(user, path);
  return file;
}

/** Is done once it takes connections. @returns what ends it */
async function launchPgBouncer(child: ChildProcess): Promise<() => Promise<void>> {
  const gone = once(child, 'exit');
  let printed = '';
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`PgBouncer did not start: ${printed}`)));
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      printed = (printed + chunk).slice(-10_000);
      if (printed.includes('process up: PgBouncer')) resolve();
    });
  });
  return async () => {
    child.stdin?.end();
    await gone;
  };
}
