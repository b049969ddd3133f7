import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Bytes after garbage collection. */
export interface Memory {
  readonly ofStream: number;
  readonly ofClaim: number;
}

/** Memory of an open stream of a run's events, and of a claim that waits. @param open how many of each */
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
  const bytes = (pattern: RegExp): number => Number(pattern.exec(output)?.[1]);
  return { ofStream: bytes(/open streams: (\d+) bytes/), ofClaim: bytes(/waiting claims: (\d+) bytes/) };
}
