import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Bytes of one, with its connection, of heap and buffers after garbage collection. */
export interface MemoryOf {
  readonly thisServer: number;
  /** Of a response that is held open over bare `node:http`. */
  readonly byHand: number;
}

/** Memory of an open stream of a run's events, and of a claim that waits. */
export interface Memory {
  readonly stream: MemoryOf;
  readonly claim: MemoryOf;
}

/** Measures this server and the one by hand. @param open how many of each */
export function measureMemory(open: number): Memory {
  const output = execFileSync(
    process.execPath,
    ['--expose-gc', '--import', 'tsx', 'scripts/measure-run-memory.ts', 'claims', 'streams'],
    {
      cwd: fileURLToPath(new URL('../../../', import.meta.url)),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, MEASURE_OPEN: String(open) },
    },
  );
  const bytesOf = (what: string): number => Number(new RegExp(`${what}: (\\d+) bytes`).exec(output)?.[1]);
  const both = (what: string): MemoryOf => {
    return { thisServer: bytesOf(`${what}, this server`), byHand: bytesOf(`${what}, by hand`) };
  };
  return { stream: both('open streams'), claim: both('waiting claims') };
}
