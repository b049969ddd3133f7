import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PostgresBinaries } from '../install-binaries.ts';
import { findBinaries, type From, lookupFor } from './binaries.ts';
import { type GuardedFolder, guardedFolder } from './folder.ts';
import { continueAll, signalAll } from './processes.ts';
import { giveTo, type User, userOfPostgres } from './user.ts';

/** The options of a PostgreSQL. */
export interface PostgresOptions {
  /** Whether what is committed outlives a crash of the machine, which is slower. Default: false. */
  readonly durable?: boolean;
  /** Where its programs have to be from. Default: anywhere. */
  readonly from?: From;
  /** Which packages `embedded` programs are from. Default: `postgres`. */
  readonly packages?: PostgresBinaries;
  /** Whether it is a standby, which refuses mutations. It follows no other server. Default: false. */
  readonly isStandby?: boolean;
  /** More settings, by their names in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A PostgreSQL of a test's own. It ends with this process, even where that is killed. */
export interface Postgres {
  /** As its superuser, in the database `postgres`. The same for as long as it lives. */
  readonly url: string;
  /** Ends it as fast as possible, and deletes its data. */
  stop(): Promise<void>;
  /** Kills all its processes with SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again on the same data and port: after `kill`, or after a shutdown in order that cuts all connections. */
  restart(): Promise<void>;
  /** Stops all its processes with SIGSTOP: connections stay open and nobody answers. */
  pause(): void;
  /** Lets it go on after `pause`. */
  resume(): void;
}

/** Settings for data that nobody needs after a crash. */
const CARELESS = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

/**
 * Starts a PostgreSQL on a free port of 127.0.0.1. Its collation is English, as that of many production databases, so
 * that statements that rely on the order of bytes must name it.
 * @throws NoPostgres where none is installed
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const user = userOfPostgres();
  for (;;) {
    const folder = await guardedFolder(user);
    try {
      return await startIn(folder, user, options);
    } catch (error) {
      await folder.remove();
      // The port of the folder may be that of another program.
      const isTaken = error instanceof StartError && error.printed.includes('Address already in use');
      if (!isTaken) throw error;
    }
  }
}

async function startIn(
  folder: GuardedFolder,
  user: User,
  {
    durable = false,
    from = 'anywhere',
    packages = 'postgres',
    isStandby = false,
    settings = {},
  }: PostgresOptions,
): Promise<Postgres> {
  const programs = await findBinaries(lookupFor(user, folder.path, packages), from);
  const password = randomBytes(16).toString('hex');
  const data = join(folder.path, 'data');
  await initialize(programs, folder.path, data, user, password);
  if (isStandby) {
    const signal = join(data, 'standby.signal');
    await writeFile(signal, '');
    await giveTo(user, signal);
  }

  const all = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    // In the data folder, so that nothing is left of one that was killed.
    dynamic_shared_memory_type: 'mmap',
    ...(durable ? {} : CARELESS),
    ...settings,
  };
  const { port } = folder;
  const launch = () =>
    launchPostgres(
      join(programs, 'postgres'),
      [
        '-D',
        data,
        '-p',
        `${port}`,
        ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ],
      user,
    );

  let running = await launch();
  return {
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    async stop() {
      await running.abort();
      await folder.remove();
    },
    kill: () => running.kill(),
    async restart() {
      await running.end();
      running = await launch();
    },
    pause: () => signalAll(running.pid, 'SIGSTOP'),
    resume: () => continueAll(running.pid),
  };
}

async function initialize(
  programs: string,
  folder: string,
  data: string,
  user: User,
  password: string,
): Promise<void> {
  const file = join(folder, 'password');
  await writeFile(file, password, { mode: 0o600 });
  await giveTo(user, file);
  await promisify(execFile)(
    join(programs, 'initdb'),
    [
      `--pgdata=${data}`,
      '--username=postgres',
      `--pwfile=${file}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=icu',
      '--icu-locale=en',
      '--no-sync',
      '--no-instructions',
    ],
    { ...user, cwd: folder, env: environment() },
  );
}

/** Nothing of the developer's own, such as PGDATA or a language. */
function environment(): Record<string, string> {
  const { PATH = '' } = process.env;
  return { PATH, LC_ALL: 'C', TZ: 'UTC' };
}

/** The processes of a PostgreSQL. */
interface Running {
  readonly pid: number;
  /** Kills all of them; is done when they are gone. */
  kill(): Promise<void>;
  /** Lets it shut down in order, if it still runs; is done when all of them are gone. */
  end(): Promise<void>;
  /** Lets it end without any order, if it still runs, and also when it is stopped. */
  abort(): Promise<void>;
}

/** The PostgreSQL could not be started. */
class StartError extends Error {
  override readonly name = 'StartError';

  readonly printed: string;

  constructor(printed: string) {
    super(`PostgreSQL did not start: ${printed}`);
    this.printed = printed;
  }
}

async function launchPostgres(program: string, args: readonly string[], user: User): Promise<Running> {
  const child: ChildProcess = spawn(program, args, {
    ...user,
    cwd: '/',
    env: environment(),
    stdio: ['ignore', 'ignore', 'pipe'],
    // Out of reach of the Ctrl-C that ends the tests.
    detached: true,
  });
  // The end of its output, which all its processes hold: nothing of it runs after that.
  const gone = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
  });
  await readiness(child);
  const { pid } = child;
  if (pid === undefined) throw new TypeError('A process that runs has an id.');
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  return {
    pid,
    async kill() {
      if (!hasEnded()) signalAll(pid, 'SIGKILL');
      await gone;
    },
    async end() {
      if (!hasEnded()) child.kill('SIGINT');
      await gone;
    },
    async abort() {
      if (!hasEnded()) {
        child.kill('SIGQUIT');
        continueAll(pid);
      }
      await gone;
    },
  };
}

/** Is done once it takes connections; rejects with what it printed when it ends before. */
function readiness(child: ChildProcess): Promise<void> {
  let printed = '';
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => reject(new StartError(printed)));
    // Read to the end: a full pipe would block the process.
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      printed = (printed + chunk).slice(-10_000);
      if (/database system is ready to accept (read-only )?connections/.test(printed)) resolve();
    });
  });
}
