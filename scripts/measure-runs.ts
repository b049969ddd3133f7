import { mkdtemp, rm } from 'node:fs/promises';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startPostgres } from '../test/support/postgres/instance.ts';
import {
  createDatabase,
  type MeasuredServer,
  postmasterOf,
  processorTime,
  send,
  startServer,
  tokenOf,
} from './measured-servers.ts';
import {
  CLAIM,
  type Claimed,
  CONNECTIONS,
  CREATE,
  type Created,
  createAssistant,
  GRAPH,
  inParallel,
  openStream,
} from './run-calls.ts';

/**
 * Measures runs that workers execute, through HTTP: calls a second and what each costs, and the time until others
 * know. `npm run measure:runs -- memory disk 1 2 4`: which of these, the numbers being servers on one PostgreSQL.
 * Default: all.
 */
/** How many runs are executed at each kind of stores. */
const RUNS = { memory: 3_000, disk: 3_000, postgres: Number(process.env.MEASURE_RUNS ?? 800) };
const SAMPLES = 60;
const APPEND =
  'mutation ($input: AppendRunEventsInput!) { appendRunEvents(input: $input) { lease { held storedEvents } userErrors { code } } }';
const FINISH =
  'mutation ($input: FinishRunInput!) { finishRun(input: $input) { accepted userErrors { code } } }';

const asked = process.argv.slice(2);
const isAsked = (name: string): boolean => asked.length === 0 || asked.includes(name);
const agent = new Agent({ keepAlive: true });
const owner = await tokenOf('alice');
const worker = await tokenOf('worker', true);

console.log(`Node.js ${process.version}, ${CONNECTIONS} connections`);
if (isAsked('memory')) await measure('memory', [{}], RUNS.memory);
if (isAsked('disk')) {
  const folder = await mkdtemp(join(tmpdir(), 'agent-graphql-measure-'));
  await measure('disk', [{ DATA_DIR: join(folder, 'data') }], RUNS.disk);
  await rm(folder, { recursive: true });
}
const counts = [1, 2, 4].filter((count) => isAsked(`${count}`));
if (counts.length > 0) {
  const postgres = await startPostgres({ durable: true });
  const postmaster = await postmasterOf(postgres.url);
  for (const count of counts) {
    const url = await createDatabase(postgres.url, `measured_${count}`);
    const env = Array.from({ length: count }, () => ({ DATABASE_URL: url }));
    await measure(`PostgreSQL, ${count} servers`, env, RUNS.postgres, postmaster);
  }
  await postgres.stop();
}
agent.destroy();

async function measure(
  name: string,
  env: readonly Readonly<Record<string, string>>[],
  runs: number,
  postmaster: number | null = null,
): Promise<void> {
  const servers: MeasuredServer[] = [];
  for (const one of env) servers.push(await startServer(one));
  const ports = servers.map(({ port }) => port);
  const pids = servers.map(({ pid }) => pid);
  const portOf = (index: number): number => ports[index % ports.length] ?? 0;
  const input = { assistantId: await createAssistant(portOf(0), agent, owner) };
  const event = { type: 'TEXT_MESSAGE_CONTENT', data: { delta: 'It is on its way.' } };
  const leases: string[] = [];

  async function step(
    what: string,
    calls: number,
    call: (index: number) => Promise<unknown>,
    connections = CONNECTIONS,
  ) {
    const [before, ofPostgres] = [processorTime(pids), postmaster === null ? 0 : processorTime([postmaster])];
    const began = performance.now();
    await inParallel(calls, call, connections);
    const seconds = (performance.now() - began) / 1_000;
    const each = (milliseconds: number): string => (milliseconds / calls).toFixed(2);
    const own = each(processorTime(pids) - before);
    const other =
      postmaster === null ? '' : ` + ${each(processorTime([postmaster]) - ofPostgres)} of PostgreSQL`;
    console.log(
      `${name}: ${Math.round(calls / seconds)} ${what} a second, processor ms each: ${own} of the server${other}`,
    );
  }
  const claim = async (index: number, max: number): Promise<void> => {
    const { claims } = await send<Claimed>(portOf(index), agent, worker, {
      query: CLAIM,
      variables: { input: { worker: 'worker', graphIds: [GRAPH], max, leaseSeconds: 300, waitSeconds: 0 } },
    });
    leases.push(...claims.map(({ lease }) => lease));
  };
  const append = (index: number, offset: number, count: number): Promise<unknown> =>
    send(portOf(index), agent, worker, {
      query: APPEND,
      variables: {
        input: { lease: leases[index], offset, events: Array.from({ length: count }, () => event) },
      },
    });
  const create = (index: number): Promise<unknown> =>
    send(portOf(index), agent, owner, { query: CREATE, variables: { input } });
  const finish = (index: number): Promise<unknown> =>
    send(portOf(index), agent, worker, {
      query: FINISH,
      variables: { input: { lease: leases[index], status: 'SUCCESS', output: { answer: 'ok' } } },
    });

  await inParallel(100, create);
  while (leases.length < 100) await claim(0, 50);
  await inParallel(100, finish);
  leases.length = 0;
  await step('runs created', runs, create);
  await step('claims of 1, one after another,', runs / 8, (index) => claim(index, 1), 1);
  await step('claims of 1', runs / 2, (index) => claim(index, 1));
  await step('claims of 10', runs / 20, (index) => claim(index, 10));
  while (leases.length < runs) await claim(0, 50);
  await step('appends of 1 event', runs, (index) => append(index, 0, 1));
  await step('appends of 20 events', runs, (index) => append(index, 1, 20));
  await step('finishes', runs, finish);

  for (const port of ports.slice(0, 2)) {
    const where = port === ports[0] ? 'the same server' : 'another server';
    console.log(`${name}: append to a reader at ${where}: ${await timeToReader(portOf(0), port, input)}`);
    console.log(`${name}: createRun to a claim at ${where}: ${await timeToClaim(portOf(0), port, input)}`);
  }
  for (const server of servers) await server.stop();
}

/** From the call that appends an event to the event at a reader, one after another. */
async function timeToReader(port: number, readerPort: number, input: object): Promise<string> {
  await send<Created>(port, agent, owner, { query: CREATE, variables: { input } });
  const {
    claims: [held],
  } = await claimAt(port, 0);
  const stream = await openStream(readerPort, agent, owner, held?.runId ?? '');
  await wait(200);
  const times: number[] = [];
  for (let offset = 0; offset < SAMPLES; offset++) {
    const arrived = new Promise((resolve) => {
      stream.on('data', function look(chunk: Buffer) {
        if (!chunk.includes(`"n":${offset}}`)) return;
        stream.off('data', look);
        resolve(null);
      });
    });
    const events = [{ type: 'DELTA', data: { n: offset } }];
    const began = performance.now();
    const sent = send(port, agent, worker, {
      query: APPEND,
      variables: { input: { lease: held?.lease, offset, events } },
    });
    await arrived;
    times.push(performance.now() - began);
    await sent;
  }
  stream.destroy();
  return percentiles(times);
}

/** From the call that creates a run to the answer of a claim that waits, one after another. */
async function timeToClaim(port: number, claimPort: number, input: object): Promise<string> {
  const times: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample++) {
    const claimed = claimAt(claimPort, 10);
    await wait(25);
    const began = performance.now();
    const created = send(port, agent, owner, { query: CREATE, variables: { input } });
    await claimed;
    times.push(performance.now() - began);
    await created;
  }
  return percentiles(times);
}

function claimAt(port: number, waitSeconds: number): Promise<Claimed> {
  const input = { worker: 'worker', graphIds: [GRAPH], leaseSeconds: 300, waitSeconds };
  return send<Claimed>(port, agent, worker, { query: CLAIM, variables: { input } });
}

function percentiles(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number): string => (sorted[Math.floor(sorted.length * part)] ?? Number.NaN).toFixed(1);
  return `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms`;
}
