import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { mintToken } from '../../../dist/auth/mint-token.js';
import { asOwner } from '../../../dist/store/owner.js';
import { findCores } from '../cores.ts';
import { readOptions, type RunsWork, USAGE } from '../options.ts';
import { measureEvents } from './measure-events.ts';
import { measureLatency } from './measure-latency.ts';
import { measureMemory } from './measure-memory.ts';
import { measureThroughput } from './measure-throughput.ts';
import {
  eventsSection,
  goalsTable,
  latencySection,
  memorySection,
  type RunsSection,
  runsPreamble,
  THIS_SERVER,
  throughputSection,
} from './report-runs.ts';
import { startByHand } from './systems/by-hand.ts';
import { startGraphile } from './systems/graphile.ts';
import { startLangGraph } from './systems/langgraph.ts';
import { startPgBoss } from './systems/pg-boss.ts';
import { OWNERS, type RunsSetting, type RunsSystem, WORKER_SCOPE } from './systems/system.ts';
import { startThisServer } from './systems/this-server.ts';

/** Measures how runs are executed, prints the results, and writes them into a file. */
const FULL = {
  postgres: { rounds: 5, runs: 5_000, warmUp: 2_000 },
  memory: { rounds: 7, runs: 5_000, warmUp: 5_000 },
  latency: { rounds: 5, samples: 40 },
  events: { rounds: 5 },
  open: 10_000,
};
const QUICK = {
  postgres: { rounds: 2, runs: 500, warmUp: 100 },
  memory: { rounds: 3, runs: 2_000, warmUp: 2_000 },
  latency: { rounds: 2, samples: 20 },
  events: { rounds: 1 },
  open: 1_000,
};
/** How many runs LangGraph's server executes at once: the default of `langgraph dev`, and all of E1. */
const LANGGRAPH_WORKERS = 10;
const LANGGRAPH_WORKERS_OF_E1 = 100;

const options = readOptions(process.argv.slice(2));
if (options === null || options.runs === null) throw new Error(USAGE);
const { quick, runs: works } = options;
const isAll = works.includes('all');
const plan = quick ? QUICK : FULL;
const databases = (process.env['BENCH_DATABASES'] ?? '').split(' ');
const cores = findCores();
// All threads of this process, and those of the processes that it starts without a core of their own.
if (cores !== null) execFileSync('taskset', ['-apc', String(cores.load), String(process.pid)]);
const folder = mkdtempSync(join(tmpdir(), 'agent-graphql-bench-'));
process.setMaxListeners(0);
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
// Without a listener, `exit` is not emitted after a signal.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
const secret = randomBytes(32).toString('base64url');
const tokenSettings = { secret, issuer: 'https://bench.example/', audience: 'bench', ownerClaim: 'sub' };
const setting: RunsSetting = {
  ...tokenSettings,
  serverCore: cores?.server ?? null,
  loadCore: cores?.load ?? null,
  logFile: join(folder, 'log'),
  folder,
  tokens: await Promise.all(
    Array.from({ length: OWNERS }, (_, index) =>
      mintToken({ ...tokenSettings, owner: asOwner(`owner-${index}`) }),
    ),
  ),
  workerToken: await mintToken({
    ...tokenSettings,
    owner: asOwner('worker'),
    worker: { scope: WORKER_SCOPE, graphs: null },
  }),
};

const preamble = runsPreamble(cores, await versionOfPostgres());
console.log(preamble);
const sections: RunsSection[] = [];
if (isSelected('W1')) {
  await measure(
    async () => [
      await startThisServer(THIS_SERVER, setting, databases[0] ?? ''),
      await startGraphile(setting, databases[1] ?? '', false),
      await startGraphile(setting, databases[2] ?? '', true),
      await startPgBoss(setting, databases[3] ?? ''),
    ],
    async (systems) =>
      throughputSection(
        'W1, PostgreSQL',
        `W1 in PostgreSQL: ${plan.postgres.runs} runs, executed by 4 workers of 10 at a time; ${plan.postgres.rounds} rounds`,
        await measureThroughput(systems, plan.postgres),
        { 'graphile-worker': '0.5', 'graphile-worker, batching': '', 'pg-boss': '1.0' },
      ),
  );
}
if (isSelected('W1-memory')) {
  await measure(
    async () => [await startThisServer(THIS_SERVER, setting, null), await startByHand(setting)],
    async (systems) =>
      throughputSection(
        'W1, memory',
        `W1 in memory: ${plan.memory.runs} runs, executed by 4 workers of 10 at a time; ${plan.memory.rounds} rounds`,
        await measureThroughput(systems, plan.memory),
        { 'by hand': '0.7' },
      ),
  );
}
if (isSelected('W2')) {
  const samples = `${plan.latency.rounds} rounds of ${plan.latency.samples}`;
  await measure(
    async () => [
      await startThisServer(THIS_SERVER, setting, null),
      await startByHand(setting),
      await startLangGraph(setting, LANGGRAPH_WORKERS),
    ],
    async (systems) =>
      latencySection(
        'W2, memory',
        `W2 in memory: from the creation of a run to the first line of its handler, idle; ${samples}`,
        await measureLatency(systems, plan.latency),
        { [THIS_SERVER]: 'at most 10 ms', 'LangGraph’s JS server': 'under 0.2' },
      ),
  );
  await measure(
    async () => [
      await startThisServer(THIS_SERVER, setting, databases[0] ?? ''),
      await startGraphile(setting, databases[1] ?? '', false),
    ],
    async (systems) =>
      latencySection(
        'W2, PostgreSQL',
        `W2 in PostgreSQL: the same; ${samples}`,
        await measureLatency(systems, plan.latency),
        { 'graphile-worker': 'at most 2' },
      ),
  );
}
if (isSelected('E1')) {
  await measure(
    async () => [
      await startThisServer(THIS_SERVER, setting, null),
      await startByHand(setting),
      await startLangGraph(setting, LANGGRAPH_WORKERS_OF_E1),
    ],
    async (systems) =>
      eventsSection(
        `E1: 100 runs of 200 tokens at once, each to two readers; ${plan.events.rounds} rounds`,
        await measureEvents(systems, plan.events),
        { [THIS_SERVER]: 'under 100 ms', 'LangGraph’s JS server': '5', 'by hand': '0.5' },
      ),
  );
}
if (isSelected('memory')) {
  const heading = `Memory, of ${plan.open.toLocaleString('en')} at once, with the connections, after garbage collection`;
  show(memorySection(heading, measureMemory(plan.open)));
}
const goals = goalsTable(sections);
console.log(`\n## ${THIS_SERVER}\n\n${goals}`);
if (isAll) write();
process.exit();

function isSelected(work: RunsWork): boolean {
  return isAll || works.includes(work);
}

/** Measures systems, which end then. */
async function measure(
  start: () => Promise<readonly RunsSystem[]>,
  sectionOf: (systems: readonly RunsSystem[]) => Promise<RunsSection>,
): Promise<void> {
  const systems = await start();
  show(await sectionOf(systems));
  await Promise.all(systems.map((system) => system.stop()));
}

function show(section: RunsSection): void {
  sections.push(section);
  console.log(`\n## ${section.heading}\n\n${section.table}`);
}

function write(): void {
  const page = new URL(`../../results-runs${quick ? '-quick' : ''}.md`, import.meta.url);
  const text = [
    '# Results of the benchmark of runs',
    `\`npm run bench -- --works runs${quick ? ' --quick' : ''}\` writes this page; [README.md](README.md#runs) says what is measured, and how.`,
    preamble,
    '## This server',
    goals,
    ...sections.flatMap((section) => [`## ${section.heading}`, section.table]),
  ].join('\n\n');
  writeFileSync(page, `${text}\n`);
  console.log(`\nWritten to ${fileURLToPath(page)}.`);
}

async function versionOfPostgres(): Promise<string> {
  const sql = postgres(databases[0] ?? '', { max: 1, fetch_types: false });
  const [row] = await sql<{ version: string }[]>`SELECT current_setting('server_version') AS version`;
  await sql.end();
  return row?.version ?? '';
}
