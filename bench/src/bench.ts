import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mintToken } from '../../dist/auth/mint-token.js';
import { asOwner } from '../../dist/store/owner.js';
import { chartOf } from './chart.ts';
import { checkAnswers } from './check-answers.ts';
import { checkSchemas } from './check-schemas.ts';
import { startCollector } from './collector.ts';
import { findCores } from './cores.ts';
import { OWNER, THREADS } from './data.ts';
import { fillPostgres } from './fill-postgres.ts';
import { startLoadClient } from './load-client.ts';
import { type Contestant, measureWork, type Plan, warmUpAll } from './measure.ts';
import { measureFanOut, SUBSCRIBERS_OF_OWNER, SUBSCRIBING_OWNERS } from './measure-fan-out.ts';
import { measureStarts } from './measure-starts.ts';
import { readOptions, USAGE } from './options.ts';
import { preamble, resultsOf, type Section, startsTable, summaryTable, tableOf } from './report.ts';
import { type StartOptions, startSystem } from './running.ts';
import { SUBSCRIPTION_WORKS, type SubscriptionWork } from './subscriptions.ts';
import {
  BASELINE,
  SYSTEMS,
  SYSTEMS_ON_POSTGRES,
  type System,
  THIS_SERVER,
  THIS_SERVER_SMALL,
} from './systems.ts';
import { WORKS } from './works.ts';

/** Measures all systems, prints the results, and writes them into files. */
const MANY = 1_000_000;
const FULL: Plan = {
  rounds: 13,
  seconds: 0.6,
  firstWarmUpRequests: 10_000,
  warmUpRequests: 5_000,
  warmUpEvents: 50_000,
  starts: 5,
};
const QUICK: Plan = {
  rounds: 3,
  seconds: 0.8,
  firstWarmUpRequests: 5_000,
  warmUpRequests: 2_000,
  warmUpEvents: 10_000,
  starts: 3,
};

const options = readOptions(process.argv.slice(2));
if (options === null) throw new Error(USAGE);
const { quick, store, works: selected } = options;
const plan = quick ? QUICK : FULL;
/** Empty databases, each of which is filled once, since the works change it. Null where the records are in memory. */
const databases = store === 'memory' ? null : (process.env.BENCH_DATABASES ?? '').split(' ');
const works = WORKS.filter(({ name }) => isSelected(name) && (databases === null || isForPostgres(name)));
const subscriptionWorks = SUBSCRIPTION_WORKS.filter(({ name }) => isSelected(name) && databases === null);
const systems = (databases === null ? SYSTEMS : SYSTEMS_ON_POSTGRES).filter(isNeeded);
const cores = findCores();
const secret = randomBytes(32).toString('base64url');
const [issuer, audience] = ['https://bench.example/', 'bench'];
const token = await tokenOf(OWNER);
const folder = mkdtempSync(join(tmpdir(), 'agent-graphql-bench-'));
// Each system adds listeners.
process.setMaxListeners(0);
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
// Without a listener, `exit` is not emitted after a signal.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
const client = startLoadClient(cores?.load ?? null);
const collector = await startCollector(cores?.load ?? null);
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
console.log(preamble(plan, cores, databases !== null));
const starts = isSelected('start')
  ? await measureStarts(systems.filter(isUntraced), plan.starts, { ...startOptions, ...placeOfFew })
  : [];
if (starts.length > 0) console.log(`\n## Start\n\n${startsTable(starts)}`);

const few = works.length + subscriptionWorks.length > 0 ? await startAll(THREADS, placeOfFew, systems) : [];
const sections = await measureWorks(few, THREADS);
for (const work of subscriptionWorks) sections.push(await measureEvents(few, work));
await stopAll(few);
const many = quick || selected !== null ? [] : await measureMany();
const summary = summaryTable(sections, many);
console.log(`\n## ${THIS_SERVER}\n\n${summary}`);
if (selected === null) write();
client.stop();
collector.stop();

function isSelected(name: string): boolean {
  return selected === null || selected.includes(name);
}

/** The works that read or write records. */
function isForPostgres(name: string): boolean {
  return ['Q1', 'Q2', 'Q3', 'M1'].includes(name);
}

function isUntraced({ isTraced }: System): boolean {
  return !isTraced;
}

function isNeeded(system: System): boolean {
  return (
    isSelected('start') ||
    works.some(({ includes }) => includes(system)) ||
    subscriptionWorks.some(({ transport }) => system.transports.includes(transport))
  );
}

/** The database that is filled with the threads; nothing where the records are in memory. */
async function placeFor(nth: number, threads: number): Promise<Pick<StartOptions, 'databaseUrl'>> {
  if (databases === null) return {};
  const databaseUrl = databases[nth] ?? '';
  await fillPostgres(databaseUrl, threads);
  return { databaseUrl };
}

/** The same requests with many more threads of others, and this server without them in the same rounds. */
async function measureMany(): Promise<readonly Section[]> {
  const large = systems.filter(isUntraced);
  const ofThisServer = large.filter(({ name }) => name === THIS_SERVER);
  const [same] = await startAll(THREADS, await placeFor(1, THREADS), ofThisServer);
  if (same === undefined) return [];
  const place = await placeFor(2, MANY);
  const contestants = [...(await startAll(MANY, place, large)), { ...same, name: THIS_SERVER_SMALL }];
  const measured = await measureWorks(contestants, MANY);
  await stopAll(contestants);
  return measured;
}

/** Measures the selected works that read or write records. */
async function measureWorks(all: readonly Contestant[], threads: number): Promise<Section[]> {
  const measured: Section[] = [];
  await warmUpAll(all, token, client, plan);
  for (const work of works) {
    if (threads === MANY && !isForPostgres(work.name)) continue;
    const contestants = all.filter(({ running }) => work.includes(running.system));
    await checkAnswers(
      contestants.map(({ running }) => running),
      work,
      token,
    );
    const rows = await measureWork(contestants, work, token, client, plan);
    await checkSpans(contestants);
    const heading = `${work.name}: ${work.description}; ${count(threads)} threads`;
    measured.push(show({ name: work.name, heading, baseline: work.baseline, rows, unit: 'requests' }));
  }
  return measured;
}

/** Throws where a traced system has sent no spans. */
async function checkSpans(contestants: readonly Contestant[]): Promise<void> {
  for (const { name, running } of contestants) {
    if (running.system.isTraced && (await collector.bytesFrom(name)) === 0) {
      throw new Error(`${name} has sent no spans.`);
    }
  }
}

async function measureEvents(all: readonly Contestant[], work: SubscriptionWork): Promise<Section> {
  const tokens = await Promise.all(
    Array.from({ length: SUBSCRIBING_OWNERS }, (_, index) => tokenOf(`subscriber-${index}`)),
  );
  const contestants = all.filter(({ running }) => running.system.transports.includes(work.transport));
  const rows = await measureFanOut(contestants, work, tokens, client, plan);
  const heading =
    `${work.name}: ${work.description}; ${SUBSCRIBERS_OF_OWNER} of each of ${SUBSCRIBING_OWNERS} owners; ` +
    'times are from the changes to the last subscriber';
  return show({ name: work.name, heading, baseline: BASELINE, rows, unit: 'events' });
}

function show(section: Section): Section {
  console.log(`\n## ${section.heading}\n\n${tableOf(section)}`);
  return section;
}

function write(): void {
  const onPostgres = databases !== null;
  const suffix = `${onPostgres ? '-postgres' : ''}${quick ? '-quick' : ''}`;
  const chart = `ratios${suffix}.svg`;
  const page = new URL(`../results${suffix}.md`, import.meta.url);
  const title = `Results of the benchmark${onPostgres ? ', on PostgreSQL' : ''}`;
  const words = [...(onPostgres ? ['--store postgres'] : []), ...(quick ? ['--quick'] : [])];
  const command = ['npm run bench', ...(words.length > 0 ? ['--', ...words] : [])].join(' ');
  const all = [...sections, ...many];
  writeFileSync(new URL(`../${chart}`, import.meta.url), chartOf(sections));
  writeFileSync(
    page,
    resultsOf({ title, command, onPostgres, plan, cores, starts, summary, sections: all, chart }),
  );
  console.log(`\nWritten to ${fileURLToPath(page)}.`);
}

async function startAll(
  threads: number,
  place: Pick<StartOptions, 'databaseUrl'>,
  wanted: readonly System[],
): Promise<Contestant[]> {
  const contestants: Contestant[] = [];
  for (const system of wanted) {
    const traceEndpoint = system.isTraced ? { traceEndpoint: collector.endpointOf(system.name) } : {};
    const running = await startSystem(system, { ...startOptions, ...place, ...traceEndpoint, threads });
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
