import { parseArgs } from 'node:util';

/** The names of all works, and of what else can be measured by itself. */
export const WORK_NAMES = ['start', 'Q1', 'Q2', 'Q3', 'N1', 'M1', 'E1', 'T1', 'S1', 'S2', 'S3', 'S4'];

/** The works of the benchmark of runs, which is measured by itself: `runs`, or `runs:W1` and so on. */
export const RUNS_WORKS = ['all', 'W1', 'W1-memory', 'W2', 'E1', 'memory'] as const;
export type RunsWork = (typeof RUNS_WORKS)[number];

/** The options of the benchmark. */
export interface BenchOptions {
  readonly quick: boolean;
  readonly store: 'memory' | 'postgres';
  /** What is measured. Null for everything. */
  readonly works: readonly string[] | null;
  /** The works of runs. Null where something else is measured. */
  readonly runs: readonly RunsWork[] | null;
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
    const runs = names === null ? null : runsWorksOf(names);
    if (runs === null && names?.every((name) => WORK_NAMES.includes(name)) === false) return null;
    return { quick, store, works: names, runs };
  } catch {
    return null;
  }
}

/** The works of runs with these names; null where a name is that of another work. */
function runsWorksOf(names: readonly string[]): readonly RunsWork[] | null {
  const works = names.map((name) =>
    name === 'runs' ? 'all' : RUNS_WORKS.find((work) => name === `runs:${work}`),
  );
  return works.every((work) => work !== undefined) ? works : null;
}

export const USAGE = `Usage: npm run bench -- [--quick] [--store memory|postgres] [--works ${WORK_NAMES.join(',')}|runs|runs:${RUNS_WORKS.slice(1).join(',runs:')}]`;
