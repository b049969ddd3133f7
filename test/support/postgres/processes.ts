import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/**
 * Sends a signal to PostgreSQL's first process, and then to all that it started: each of them is in a group of its
 * own. The first one must not start others meanwhile, so it has to be one that stops or ends.
 */
export function signalAll(pid: number, signal: 'SIGSTOP' | 'SIGKILL'): void {
  process.kill(pid, 'SIGSTOP');
  const signalled = new Set<number>();
  // Until there is none that was just being started when the first one was told.
  for (let fresh = childrenOf(pid); fresh.length > 0;) {
    for (const child of fresh) {
      sendTo(child, signal);
      signalled.add(child);
    }
    fresh = childrenOf(pid).filter((child) => !signalled.has(child));
  }
  process.kill(pid, signal);
}

/** Lets all of them go on that `signalAll` stopped. */
export function continueAll(pid: number): void {
  for (const child of childrenOf(pid)) sendTo(child, 'SIGCONT');
  process.kill(pid, 'SIGCONT');
}

function sendTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}

function childrenOf(pid: number): readonly number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  if (existsSync(file)) {
    return readFileSync(file, 'utf8')
      .split(' ')
      .filter((entry) => entry !== '')
      .map(Number);
  }
  return execFileSync('ps', ['-A', '-o', 'ppid=,pid='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([parent, child]) => (parent === pid && child !== undefined ? [child] : []));
}
