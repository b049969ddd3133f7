import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readOptions, USAGE } from '../bench/src/options.ts';
import { createDatabase } from '../test/support/postgres/database.ts';
import { startPostgres } from '../test/support/postgres/instance.ts';

/** Runs the benchmark: installs the other systems where they are missing, and builds everything. */
const root = new URL('../', import.meta.url);
const folder = fileURLToPath(root);
const wanted = new URL('bench/package-lock.json', root);
const installed = new URL('bench/node_modules/.installed.json', root);

const args = process.argv.slice(2);
const options = readOptions(args);
if (options === null) {
  console.error(USAGE);
  process.exit(1);
}

if (!existsSync(installed) || readFileSync(installed, 'utf8') !== readFileSync(wanted, 'utf8')) {
  // Some of the peers' dependencies ask for a newer Node.js than they need.
  run('npm', 'ci', '--prefix', 'bench', '--no-audit', '--no-fund', '--loglevel', 'error');
  copyFileSync(wanted, installed);
}
run('npm', 'run', '-s', 'build');
// The benchmark is compiled against the types of the compiled server, which it runs.
run('tsc', '-p', 'bench');
run('npm', 'run', '-s', 'bundle', '--', 'bench/dist/systems/this-server.js', '--outdir=bench/dist/bundle');
const { store, runs } = options;
if (store === 'postgres' || runs !== null)
  process.env.BENCH_DATABASES = await makeDatabases(runs === null ? 3 : 4);
const file = runs === null ? 'bench/dist/bench.js' : 'bench/dist/runs/bench-runs.js';
const bench = spawn(process.execPath, [file, ...args], { cwd: folder, stdio: 'inherit' });
// The benchmark ends with this process, and the systems with the benchmark.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => bench.kill(signal));
const [code] = await once(bench, 'exit');
// The databases end with it.
process.exit(code === 0 ? 0 : 1);

/** Empty databases on a PostgreSQL that ends with this process. */
async function makeDatabases(count: number): Promise<string> {
  const { url } = await startPostgres({ durable: true });
  const databases = await Promise.all(
    Array.from({ length: count }, () => createDatabase(url, { prefix: 'bench_' })),
  );
  return databases.map((database) => database.url).join(' ');
}

function run(program: string, ...words: string[]): void {
  try {
    execFileSync(program, words, { cwd: folder, stdio: 'inherit' });
  } catch {
    // It has printed the reason.
    process.exit(1);
  }
}
