import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { mintToken } from '../../dist/auth/mint-token.js';
import { asOwner } from '../../dist/store/owner.js';
import { chartOf } from './chart.ts';
import { checkAnswers } from './check-answers.ts';
import { checkSchemas } from './check-schemas.ts';
import { findCores } from './cores.ts';
import { OWNER, THREADS } from './data.ts';
import { fillPostgres } from './fill-postgres.ts';
import { startLoadClient } from './load-client.ts';
import { type Contestant, measureWork, type Plan, type Row, warmUp } from './measure.ts';
import { measureFanOut, SUBSCRIBERS_OF_OWNER, SUBSCRIBING_OWNERS } from './measure-fan-out.ts';
import { measureStarts } from './measure-starts.ts';
import {
  preamble,
  type Results,
  resultsOf,
  type Section,
  startsTable,
  summaryTable,
  tableOf,
} from './report.ts';
import { type StartOptions, startSystem } from './running.ts';
import { SYSTEMS, SYSTEMS_ON_POSTGRES, THIS_SERVER, THIS_SERVER_SMALL } from './systems.ts';
import { WORKS } from './works.ts';

/** Measures all systems, prints what comes of it, and writes it into files. */
const MANY = 1_000_000;
const FULL: Plan = { rounds: 13, seconds: 0.6, warmUpSeconds: 0.5, firstWarmUpSeconds: 3, starts: 5 };
const QUICK: Plan = { rounds: 3, seconds: 0.8, warmUpSeconds: 0.3, firstWarmUpSeconds: 2, starts: 3 };

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, store: { type: 'string', default: 'memory' } },
});
const plan = options.quick ? QUICK : FULL;
/** Null where the records are in memory; else empty databases: each is filled once, since the works change it. */
const databases = options.store === 'memory' ? null : (process.env.BENCH_DATABASES ?? '').split(' ');
const systems = databases === null ? SYSTEMS : SYSTEMS_ON_POSTGRES;
const cores = findCores();
const secret = randomBytes(32).toString('base64url');
const [issuer, audience] = ['https://bench.example/', 'bench'];
const token = await tokenOf(OWNER);
const folder = mkdtempSync(join(tmpdir(), 'agent-graphql-bench-'));
// Each system that runs waits for it.
process.setMaxListeners(0);
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
// What was started ends with this process, but not where a signal ends it.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
const client = startLoadClient(cores?.load ?? null);
const startOptions = {
  core: cores?.server ?? null,
  secret,
  issuer,
  audience,
  token,
  logFile: join(folder, 'log'),
};

checkSchemas();
const placeOfFew = await placeFor(0, THREADS);
console.log(`${preamble(plan, cores, databases !== null)}\n\n## Start\n`);
const starts = await measureStarts(systems, plan.starts, { ...startOptions, ...placeOfFew });
console.log(startsTable(starts));

const few = await startAll(THREADS, placeOfFew);
const works = await measureWorks(few, THREADS);
const events = databases === null ? [await measureEvents(few)] : [];
await stopAll(few);
const many = options.quick ? [] : await measureMany();
const summary = summaryTable(works, many);
console.log(`\n## ${THIS_SERVER}\n\n${summary}`);
write(
  { onPostgres: databases !== null, plan, cores, starts, summary, sections: [...works, ...events, ...many] },
  [...works, ...events],
);
client.stop();

/** Where the records are, which are put there; nothing to say where they are in memory. */
async function placeFor(nth: number, threads: number): Promise<Pick<StartOptions, 'databaseUrl'>> {
  if (databases === null) return {};
  const databaseUrl = databases[nth] ?? '';
  await fillPostgres(databaseUrl, threads);
  return { databaseUrl };
}

/** The same requests where there are many more threads of others, and this server without them in the same rounds. */
async function measureMany(): Promise<readonly Section[]> {
  const [same] = await startAll(THREADS, await placeFor(1, THREADS), [THIS_SERVER]);
  if (same === undefined) return [];
  const place = await placeFor(2, MANY);
  const contestants = [...(await startAll(MANY, place)), { ...same, name: THIS_SERVER_SMALL }];
  const sections = await measureWorks(contestants, MANY);
  await stopAll(contestants);
  return sections;
}

async function measureWorks(contestants: readonly Contestant[], threads: number): Promise<Section[]> {
  const sections: Section[] = [];
  await warmUp(contestants, token, client, plan);
  for (const work of WORKS) {
    await checkAnswers(
      contestants.map(({ running }) => running),
      work,
      token,
    );
    const rows = await measureWork(contestants, work, token, client, plan);
    const heading = `${work.name}: ${work.description}; ${count(threads)} threads`;
    sections.push(show({ name: work.name, heading, rows, unit: 'requests' }));
  }
  return sections;
}

async function measureEvents(contestants: readonly Contestant[]): Promise<Section> {
  const tokens = await Promise.all(
    Array.from({ length: SUBSCRIBING_OWNERS }, (_, index) => tokenOf(`subscriber-${index}`)),
  );
  const rows = await measureFanOut(contestants, tokens, client, plan);
  const heading =
    `S1: a change for 1,000 subscribers, ${SUBSCRIBERS_OF_OWNER} of each of ${SUBSCRIBING_OWNERS} owners; ` +
    'times are from the changes to the last subscriber';
  return show({ name: 'S1', heading, rows: withAll(rows), unit: 'events' });
}

/** Says of what has no subscriptions over Server-Sent Events that it has none. */
function withAll(rows: readonly Row[]): readonly Row[] {
  const nothing = Number.NaN;
  const none = {
    perSecond: nothing,
    rounds: [],
    p50: nothing,
    p99: nothing,
    cpu: nothing,
    memory: nothing,
    busy: 0,
  };
  const ratio = { median: nothing, min: nothing, max: nothing };
  return SYSTEMS.map(({ name }) => rows.find((row) => row.name === name) ?? { name, ...none, ratio });
}

function show(section: Section): Section {
  console.log(`\n## ${section.heading}\n\n${tableOf(section)}`);
  return section;
}

function write(results: Omit<Results, 'chart' | 'title' | 'command'>, charted: readonly Section[]): void {
  const suffix = `${databases === null ? '' : '-postgres'}${options.quick ? '-quick' : ''}`;
  const chart = `ratios${suffix}.svg`;
  const page = new URL(`../results${suffix}.md`, import.meta.url);
  const title = `Results of the benchmark${databases === null ? '' : ', on PostgreSQL'}`;
  const words = [...(databases === null ? [] : ['--store postgres']), ...(options.quick ? ['--quick'] : [])];
  const command = ['npm run bench', ...(words.length > 0 ? ['--', ...words] : [])].join(' ');
  writeFileSync(new URL(`../${chart}`, import.meta.url), chartOf(charted));
  writeFileSync(page, resultsOf({ ...results, title, command, chart }));
  console.log(`\nWritten to ${fileURLToPath(page)}.`);
}

async function startAll(
  threads: number,
  place: Pick<StartOptions, 'databaseUrl'>,
  names?: readonly string[],
): Promise<Contestant[]> {
  const contestants: Contestant[] = [];
  for (const system of systems) {
    if (names?.includes(system.name) === false) continue;
    const running = await startSystem(system, { ...startOptions, ...place, threads });
    contestants.push({ name: system.name, running });
  }
  return contestants;
}

async function stopAll(contestants: readonly Contestant[]): Promise<void> {
  await Promise.all(contestants.map(({ running }) => running.stop()));
}

function tokenOf(owner: string): Promise<string> {
  return mintToken({ secret, owner: asOwner(owner), issuer, audience, ownerClaim: 'sub' });
}

function count(threads: number): string {
  return threads.toLocaleString('en');
}
