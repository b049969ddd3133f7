import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { showProgress } from '../src/cli/progress.ts';

/**
 * Builds the server: `dist` is compiled from `src`, and `dist/bundle` holds what every start reads, in few files.
 * Prints its progress, on a terminal only.
 */
const STEPS: readonly Step[] = [
  { name: 'Compiling the server', command: 'tsc -p tsconfig.build.json' },
  { name: 'Bundling it', command: 'npm run -s bundle -- dist/server.js --outdir=dist/bundle' },
];

interface Step {
  readonly name: string;
  readonly command: string;
}

/** The project's root. */
const ROOT = new URL('../', import.meta.url);

// Files of earlier builds would be packed too.
rmSync(new URL('dist', ROOT), { recursive: true, force: true });

for (const { name, command } of STEPS) {
  const start = performance.now();
  const progress = showProgress(
    process.stdout,
    () => `${name}: ${((performance.now() - start) / 1_000).toFixed(1)} s`,
  );
  const child = spawn(command, { shell: true, cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = await once(child, 'exit');
  progress.end();
  if (code !== 0) process.exit(1);
}
