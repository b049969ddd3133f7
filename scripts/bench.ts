import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createDatabase } from '../test/support/postgres/database.ts';
import { startPostgres } from '../test/support/postgres/instance.ts';

/** Runs the benchmark: installs what it compares with, where that has not been done, and builds all of it. */
const root = new URL('../', import.meta.url);
const folder = fileURLToPath(root);
const wanted = new URL('bench/package-lock.json', root);
const installed = new URL('bench/node_modules/.installed.json', root);

const args = process.argv.slice(2);
const isOnPostgres = readArguments();

if (!existsSync(installed) || readFileSync(installed, 'utf8') !== readFileSync(wanted, 'utf8')) {
  // Some of the peers' dependencies ask for a newer Node.js than they need.
  run('npm', 'ci', '--prefix', 'bench', '--no-audit', '--no-fund', '--loglevel', 'error');
  copyFileSync(wanted, installed);
}
run('npm', 'run', '-s', 'build');
// The benchmark is compiled against the types of the compiled server, which it runs.
run('tsc', '-p', 'tsconfig.build.json', '--declaration');
run('tsc', '-p', 'bench');
run('npm', 'run', '-s', 'bundle', '--', 'bench/dist/systems/this-server.js', '--outdir=bench/dist/bundle');
if (isOnPostgres) process.env.BENCH_DATABASES = await makeDatabases();
const bench = spawn(process.execPath, ['bench/dist/bench.js', ...args], { cwd: folder, stdio: 'inherit' });
// What ends this process ends the benchmark, which ends what it has started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => bench.kill(signal));
const [code] = await once(bench, 'exit');
// The databases end with it.
process.exit(code === 0 ? 0 : 1);

/** Whether the records are to be in PostgreSQL; ends here where nobody knows what is asked for. */
function readArguments(): boolean {
  const options = { quick: { type: 'boolean' }, store: { type: 'string', default: 'memory' } } as const;
  try {
    const { store } = parseArgs({ args, options }).values;
    if (store === 'memory' || store === 'postgres') return store === 'postgres';
  } catch {
    // It is said below.
  }
  console.error('Usage: npm run bench -- [--quick] [--store memory|postgres]');
  process.exit(1);
}

/** Three empty databases on a PostgreSQL that ends with this process. */
async function makeDatabases(): Promise<string> {
  const { url } = await startPostgres({ durable: true });
  const databases = await Promise.all([1, 2, 3].map(() => createDatabase(url, { prefix: 'bench_' })));
  return databases.map((database) => database.url).join(' ');
}

function run(program: string, ...words: string[]): void {
  try {
    execFileSync(program, words, { cwd: folder, stdio: 'inherit' });
  } catch {
    // It has said why.
    process.exit(1);
  }
}
