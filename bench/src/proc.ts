import { readFileSync } from 'node:fs';

/** Linux counts processor time in these: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
const MILLISECONDS_OF_TICK = 10;

/** Processor time that a process has taken, in milliseconds; NaN where the machine does not tell. */
export function cpuTime(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  // The name of the program comes second, in parentheses, and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MILLISECONDS_OF_TICK;
}

/** Memory that a process takes, in MB of 1,000,000 bytes; NaN where the machine does not tell. */
export function memory(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s*(\d+) kB$/m.exec(read(`/proc/${pid}/status`)) ?? [];
  return (Number(kibibytes) * 1_024) / 1_000_000;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
