import { parseArgs } from 'node:util';

/** The names of all works, and of what else can be measured by itself. */
export const WORK_NAMES = ['start', 'Q1', 'Q2', 'Q3', 'N1', 'M1', 'E1', 'T1', 'S1', 'S2', 'S3', 'S4'];

/** The options of the benchmark. */
export interface BenchOptions {
  readonly quick: boolean;
  readonly store: 'memory' | 'postgres';
  /** What is measured. Null for everything. */
  readonly works: readonly string[] | null;
}

/** Reads the options of a command line. @returns null where they cannot be read */
export function readOptions(args: readonly string[]): BenchOptions | null {
  try {
    const { quick, store, works } = parseArgs({
      args: [...args],
      options: {
        quick: { type: 'boolean', default: false },
        store: { type: 'string', default: 'memory' },
        works: { type: 'string' },
      },
    }).values;
    if (store !== 'memory' && store !== 'postgres') return null;
    const names = works?.split(',') ?? null;
    if (names?.every((name) => WORK_NAMES.includes(name)) === false) return null;
    return { quick, store, works: names };
  } catch {
    return null;
  }
}

export const USAGE = `Usage: npm run bench -- [--quick] [--store memory|postgres] [--works ${WORK_NAMES.join(',')}]`;
