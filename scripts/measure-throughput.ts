import { asOwner } from '../src/store/owner.ts';
import { openPostgresStores } from '../src/store/postgres/stores.ts';
import { startPostgres } from '../test/support/postgres/instance.ts';
import { connected } from '../test/support/postgres/admin.ts';
import { valueOf } from '../test/support/bench.ts';
import { configFor } from '../test/support/postgres/config.ts';
import { makeAssistant } from '../test/support/records.ts';
import { createDatabase, postmasterOf, processorTime } from './measured-servers.ts';
import { inParallel } from './run-calls.ts';

/**
 * Measures how many runs one PostgreSQL executes a second, without HTTP: all are created, then claimed and finished by
 * workers that claim ten at a time. `npm run measure:throughput`. With STATEMENTS=1 it shows the most expensive
 * statements, for which PostgreSQL needs the extension pg_stat_statements.
 */
const RUNS = Number(process.env.MEASURE_RUNS ?? 5_000);
/** How many are executed one after another. */
const SINGLE_RUNS = RUNS / 10;
const WORKERS = 4;
const RUNS_OF_WORKER = 10;
const GRAPH = 'graph';
const [owner, worker] = [asOwner('alice'), asOwner('worker')];
const REQUEST = {
  allOwners: true,
  name: 'w',
  graphIds: [GRAPH],
  max: RUNS_OF_WORKER,
  leaseSeconds: 300,
  waitSeconds: 0,
};
const withStatements = process.env.STATEMENTS === '1';

const postgres = await startPostgres({
  durable: true,
  settings: withStatements
    ? {
        shared_preload_libraries: 'pg_stat_statements',
        'pg_stat_statements.track': 'all',
        'pg_stat_statements.track_planning': 'on',
      }
    : {},
});
const postmaster = await postmasterOf(postgres.url);
const url = await createDatabase(postgres.url, 'measured');
const adminUrl = new URL(postgres.url);
adminUrl.pathname = '/measured';
if (withStatements) await connected(adminUrl.href, (sql) => sql`CREATE EXTENSION pg_stat_statements`);
const stores = await openPostgresStores(configFor(url, { poolSize: 10 }));
const { id: assistantId } = await makeAssistant(stores.forRequest(), owner, { graphId: GRAPH });

await step('created', RUNS, () => inParallel(RUNS, create));
await step('claimed and finished', RUNS, execute);
await step('created, one at a time', SINGLE_RUNS, () => inParallel(SINGLE_RUNS, create, 1));
await step('claimed and finished, one at a time', SINGLE_RUNS, async () => {
  for (;;) {
    const { queue } = stores.forRequest();
    const [claim] = valueOf(await queue.claim(worker, { ...REQUEST, max: 1 }));
    if (claim === undefined) return;
    await finish(claim.lease);
  }
});
await stores.close();
await postgres.stop();

async function step(what: string, runs: number, work: () => Promise<void>): Promise<void> {
  if (withStatements) await connected(adminUrl.href, (sql) => sql`SELECT pg_stat_statements_reset()`);
  const [own, ofPostgres] = [process.cpuUsage(), processorTime([postmaster])];
  const walBefore = await walBytes();
  const began = performance.now();
  await work();
  const seconds = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(own);
  const each = (milliseconds: number): string => (milliseconds / runs).toFixed(2);
  console.log(
    `${Math.round(runs / seconds)} runs a second ${what}; of each: processor ms ${each((user + system) / 1_000)} of this process, ` +
      `${each(processorTime([postmaster]) - ofPostgres)} of PostgreSQL; ${Math.round(((await walBytes()) - walBefore) / runs)} bytes of WAL`,
  );
  if (withStatements) await showStatements(runs);
}

async function walBytes(): Promise<number> {
  return connected(postgres.url, async (sql) => {
    const [row] = await sql<
      { bytes: number }[]
    >`SELECT (pg_current_wal_insert_lsn() - '0/0')::float8 AS bytes`;
    return row?.bytes ?? 0;
  });
}

function create(): Promise<unknown> {
  return Promise.resolve(
    stores.forRequest().runs.create(owner, { assistantId, input: { question: 'Where is it?' } }),
  ).then(valueOf);
}

async function execute(): Promise<void> {
  await inParallel(
    WORKERS,
    async () => {
      for (;;) {
        const claims = valueOf(await stores.forRequest().queue.claim(worker, REQUEST));
        if (claims.length === 0) return;
        await Promise.all(claims.map(({ lease }) => finish(lease)));
      }
    },
    WORKERS,
  );
}

async function finish(lease: string): Promise<void> {
  const end = { lease, status: 'SUCCESS', output: { answer: 'On its way.' }, retry: false } as const;
  const { accepted } = valueOf(await stores.forRequest().queue.finish(worker, end));
  if (!accepted) throw new Error('A lease was lost.');
}

async function showStatements(runs: number): Promise<void> {
  await connected(adminUrl.href, async (sql) => {
    const rows = await sql<
      { calls: number; plan: number; exec: number; toplevel: boolean; query: string }[]
    >`SELECT calls::float8, total_plan_time AS plan,
      total_exec_time AS exec, toplevel, query FROM pg_stat_statements ORDER BY total_plan_time + total_exec_time DESC LIMIT 34`;
    for (const { calls, plan, exec, toplevel, query } of rows) {
      console.log(
        [
          (calls / runs).toFixed(2),
          (plan / runs).toFixed(3),
          (exec / runs).toFixed(3),
          toplevel ? ' ' : '>',
          query.replaceAll(/\s+/g, ' ').slice(0, 120),
        ].join('  '),
      );
    }
  });
}
