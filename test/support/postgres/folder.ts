import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { giveTo, type User } from './user.ts';

/** A folder in the system's temporary one, which is deleted when this process ends, however it does. */
export interface GuardedFolder {
  readonly path: string;
  /** A port that is given to nobody else who calls {@link guardedFolder} on this machine, while the folder is there. */
  readonly port: number;
  /** Ends the PostgreSQL in it, if it still runs, and deletes it. */
  remove(): Promise<void>;
}

/**
 * Waits for the end of the process that holds its input, which a SIGKILL brings about too. Then ends the PostgreSQL
 * that still runs on the folder, and no other process that has got its id since, with its children if they were stopped,
 * and deletes the folder. One that was killed leaves a piece of shared memory, whose number is in the seventh line.
 */
const GUARD = `
read -r _
cd "$1" || exit
if [ -f data/postmaster.pid ]; then
  pid=$(sed -n 1p data/postmaster.pid)
  memory=$(sed -n '7s/.* //p' data/postmaster.pid)
  case $(tr '\\0' ' ' < "/proc/$pid/cmdline" || ps -o args= -p "$pid") in
    *"$1/data"*) kill -9 "$pid" $(cat "/proc/$pid/task/$pid/children") ;;
  esac
  [ -z "$memory" ] || ipcrm -m "$memory"
fi
cd /
rm -rf "$1"
`;

/** Makes a folder that belongs to a user, with somebody who cleans up after it. */
export async function guardedFolder(user: User): Promise<GuardedFolder> {
  const { path, port } = await claimPort();
  const guard: ChildProcess = spawn('/bin/sh', ['-c', GUARD, 'sh', path], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // Out of reach of the Ctrl-C that ends the tests.
    detached: true,
    cwd: '/',
  });
  guard.unref();
  await giveTo(user, path);
  return {
    path,
    port,
    async remove() {
      if (guard.exitCode !== null) return;
      const gone = once(guard, 'exit');
      guard.stdin?.end();
      await gone;
    },
  };
}

/** Makes the folder of a port. The system gives away ports above these by itself, so one stays free at a restart. */
async function claimPort(): Promise<Pick<GuardedFolder, 'path' | 'port'>> {
  for (;;) {
    const port = randomInt(15_000, 30_000);
    const path = join(tmpdir(), `agent-graphql-postgres-${port}`);
    try {
      await mkdir(path, { mode: 0o700 });
      return { path, port };
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
  }
}
