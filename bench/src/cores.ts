import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** One core for the server that is measured, another one for the load. */
export interface Cores {
  readonly server: number;
  readonly load: number;
}

/** The first and the last core of this process; null where there is one alone, or no `taskset` (only Linux has it). */
export function findCores(): Cores | null {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
  } catch {
    return null;
  }
  const cores = allowedCores();
  const [server, load] = [cores[0], cores.at(-1)];
  return server === undefined || load === undefined || server === load ? null : { server, load };
}

/** A command that runs on one core; anywhere where the core is null. */
export function pinned(core: number | null, command: readonly string[]): [string, ...string[]] {
  const words = core === null ? command : ['taskset', '-c', String(core), ...command];
  const [program = '', ...rest] = words;
  return [program, ...rest];
}

/** As in `Cpus_allowed_list: 0-3,8`. */
function allowedCores(): readonly number[] {
  const [, list = ''] = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return list.split(',').flatMap((range) => {
    const [from = Number.NaN, to = from] = range.split('-').map(Number);
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
}
