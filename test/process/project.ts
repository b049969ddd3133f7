import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { ask as askFor } from '../support/on-demand.ts';

const { scripts }: { scripts: { start: string } } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
);
/** What `npm start` becomes, as a shell's words. */
export const START = scripts.start;

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process of the project. */
export interface Started {
  /** What it has printed, from where a pattern matches on; rejects when it ends without. */
  prints(pattern: RegExp): Promise<RegExpExecArray>;
  send(signal: NodeJS.Signals): void;
  /** Its own end; what it started in turn may live on. */
  readonly exit: Promise<Pick<Ending, 'code' | 'signal'>>;
  /** Its end, and that of all that it started: nothing more can be printed. */
  readonly ending: Promise<Ending>;
}

/** A copy of the built project, so that a test neither reads nor changes the developer's `.dev-secret` and `dist`. */
export interface Project {
  readonly folder: string;
  /** Starts the server. */
  server(env?: Readonly<Record<string, string>>): Started;
  /** Starts a command in the folder. */
  start(command: string, args: readonly string[], env: Readonly<Record<string, string>>): Started;
  /** Ends what still runs, and deletes the copy. */
  remove(): Promise<void>;
}

/** Copies the project as it was built for this run. */
export async function openProject(): Promise<Project> {
  const built = await askFor(inject('shared').askAt, 'build');
  const folder = await mkdtemp(join(tmpdir(), 'agent-graphql-'));
  await cp(built, folder, { recursive: true });
  const children: ChildProcess[] = [];

  function start(command: string, args: readonly string[], env: Readonly<Record<string, string>>): Started {
    const { PATH = '' } = process.env;
    const child = spawn(command, args, {
      cwd: folder,
      env: { PATH, HOME: folder, PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // In a group of its own, so that what it starts in turn can be ended with it.
      detached: true,
    });
    children.push(child);
    return watch(child);
  }

  return {
    folder,
    server: (env = {}) => start('sh', ['-c', START], env),
    start,
    async remove() {
      await Promise.all(children.map(kill));
      await rm(folder, { recursive: true });
    },
  };
}

/** Follows a process whose output is piped. */
export function watch(child: ChildProcess): Started {
  const printed = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (chunk: string) => {
      printed[name] += chunk;
    });
  }
  const ending = new Promise<Ending>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, ...printed }));
  });

  const exit = new Promise<Pick<Ending, 'code' | 'signal'>>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });

  return {
    exit,
    ending,
    send: (signal) => void child.kill(signal),
    prints: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(printed.stdout);
          if (found !== null) resolve(found);
        };
        child.stdout?.on('data', look);
        child.once('close', () =>
          reject(new Error(`It ended without ${pattern}: ${JSON.stringify(printed)}`)),
        );
        look();
      }),
  };
}

/** Ends a process with its group: what it started may have outlived it. */
export async function kill(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return;
  const exited = child.exitCode !== null || child.signalCode !== null || once(child, 'exit');
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nobody is left in it.
  }
  await exited;
}

/** The port and the token that a server prints when it was started without configuration. */
export async function greeting(server: Started): Promise<{ readonly port: number; readonly token: string }> {
  const [, port = '', token = ''] = await server.prints(/localhost:(\d+)\/graphql\n[^\n]*\n(\S+)\n/);
  return { port: Number(port), token };
}

/** The port that a server logs that has nothing else to say. */
export async function loggedPort(server: Started): Promise<number> {
  const [, port = ''] = await server.prints(/"port":(\d+)[^\n]*"msg":"listening"/);
  return Number(port);
}

/** Asks a server of this machine for JSON. */
export async function ask(port: number, token: string, query: string) {
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, connection: 'close' },
    body: JSON.stringify({ query }),
  });
  const body: unknown = await response.json();
  return { status: response.status, body };
}
