import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createDatabase } from '../test/support/postgres/database.ts';
import { startPostgres } from '../test/support/postgres/instance.ts';

/** Runs the benchmark: installs what it compares with, where that has not been done, and builds all of it. */
const root = new URL('../', import.meta.url);
const wanted = new URL('bench/package-lock.json', root);
const installed = new URL('bench/node_modules/.installed.json', root);

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
const args = process.argv.slice(2);
const { values } = parseArgs({ args, options: { store: { type: 'string' } }, strict: false });
if (values.store === 'postgres') process.env.BENCH_DATABASES = await makeDatabases();
run(process.execPath, 'bench/dist/bench.js', ...args);
// The databases end with it.
process.exit();

/** Three empty databases on a PostgreSQL that ends with this process. */
async function makeDatabases(): Promise<string> {
  const { url } = await startPostgres({ durable: true });
  const databases = await Promise.all([1, 2, 3].map(() => createDatabase(url, { prefix: 'bench_' })));
  return databases.map((database) => database.url).join(' ');
}

function run(program: string, ...words: string[]): void {
  try {
    execFileSync(program, words, { cwd: fileURLToPath(root), stdio: 'inherit' });
  } catch {
    // It has said why.
    process.exit(1);
  }
}
