import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createMemoryStores } from '../src/store/memory/stores.ts';
import { asOwner } from '../src/store/owner.ts';
import { startPostgres } from '../test/support/postgres/instance.ts';
import {
  createDatabase,
  type MeasuredServer,
  open,
  postmasterOf,
  processorTime,
  send,
  startServer,
  tokenOf,
} from './measured-servers.ts';

/**
 * Measures runs that workers execute, through HTTP: calls a second and what each costs, the time until others know, and
 * memory. `npm run measure:runs -- memory disk 1 2 4 connections heap`: which of these, the numbers being servers on one
 * PostgreSQL. Default: all.
 */
const CONNECTIONS = 16;
/** How many runs are executed at each kind of stores. */
const RUNS = { memory: 3_000, disk: 3_000, postgres: Number(process.env.MEASURE_RUNS ?? 800) };
const SAMPLES = 60;
/** How many claims wait, and how many streams are open, for their memory. */
const OPEN = Number(process.env.MEASURE_OPEN ?? 10_000);
const GRAPH = 'graph';

const CREATE_ASSISTANT =
  'mutation ($input: CreateAssistantInput!) { createAssistant(input: $input) { assistant { id } userErrors { code } } }';
const CREATE =
  'mutation ($input: CreateRunInput!) { createRun(input: $input) { run { id } userErrors { code } } }';
const CLAIM =
  'mutation ($input: ClaimRunsInput!) { claimRuns(input: $input) { claims { lease runId input values config } userErrors { code } } }';
const APPEND =
  'mutation ($input: AppendRunEventsInput!) { appendRunEvents(input: $input) { lease { held storedEvents } userErrors { code } } }';
const FINISH =
  'mutation ($input: FinishRunInput!) { finishRun(input: $input) { accepted userErrors { code } } }';
const EVENTS =
  'subscription ($id: ID!) { runEvents(runId: $id) { events { seq type data } last status done } }';

interface Claimed {
  readonly claims: readonly { readonly lease: string; readonly runId: string }[];
}
interface Created {
  readonly run: { readonly id: string };
}

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
if (isAsked('connections')) {
  await measureWaitingClaims();
  await measureStreams();
}
if (isAsked('heap')) for (const perThread of [1, 10]) measureHeap(200_000, perThread);
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
  const input = { assistantId: await createAssistant(portOf(0), owner) };
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
      variables: { input: { lease: leases[index], offset, events: Array(count).fill(event) } },
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

async function createAssistant(port: number, token: string): Promise<string> {
  const { assistant } = await send<{ assistant: { id: string } }>(port, agent, token, {
    query: CREATE_ASSISTANT,
    variables: { input: { graphId: GRAPH } },
  });
  return assistant.id;
}

/** From the call that appends an event to the event at a reader, one after another. */
async function timeToReader(port: number, readerPort: number, input: object): Promise<string> {
  await send<Created>(port, agent, owner, { query: CREATE, variables: { input } });
  const {
    claims: [held],
  } = await claimAt(port, 0);
  const stream = await openStream(readerPort, owner, held?.runId ?? '');
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

/** Opens a stream of a run's events, and waits for its first batch. */
async function openStream(port: number, token: string, id: string): Promise<IncomingMessage> {
  const stream = await open(port, agent, token, { query: EVENTS, variables: { id } }, 'text/event-stream');
  await new Promise((resolve) => {
    stream.on('data', function look(chunk: Buffer) {
      if (!chunk.includes('"last"')) return;
      stream.off('data', look);
      resolve(null);
    });
  });
  return stream;
}

/** Memory of waiting claims: a worker has 500. */
async function measureWaitingClaims(): Promise<void> {
  const server = await startServer({});
  const workers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => tokenOf(`worker ${index}`, true)),
  );
  const empty = await server.memory();
  const input = { worker: 'worker', graphIds: ['nothing'], waitSeconds: 10 };
  const claims = Array.from({ length: OPEN }, (_, index) =>
    send(server.port, agent, workers[index % 20] ?? '', { query: CLAIM, variables: { input } }),
  );
  let answered = 0;
  for (const claim of claims) void claim.then(() => answered++);
  await wait(8_500);
  const waiting = await server.memory();
  console.log(`${OPEN - answered} waiting claims: ${difference(empty, waiting, OPEN)}`);
  await Promise.all(claims);
  console.log(`  their connections, once answered: ${difference(empty, await server.memory(), OPEN)}`);
  await server.stop();
}

/** Memory of open streams: an owner has 50, each of a run of its own. */
async function measureStreams(): Promise<void> {
  const server = await startServer({});
  const owners = await Promise.all(
    Array.from({ length: OPEN / 50 }, (_, index) => tokenOf(`owner ${index}`)),
  );
  const runs: { readonly token: string; readonly id: string }[] = [];
  for (const token of owners) {
    const assistantId = await createAssistant(server.port, token);
    await inParallel(50, async () => {
      const body = { query: CREATE, variables: { input: { assistantId } } };
      runs.push({ token, id: (await send<Created>(server.port, agent, token, body)).run.id });
    });
  }
  const without = await server.memory();
  const streams: IncomingMessage[] = [];
  await inParallel(OPEN, async (index) => {
    const { token = '', id = '' } = runs[index] ?? {};
    streams.push(await openStream(server.port, token, id));
  });
  console.log(`${streams.length} open streams: ${difference(without, await server.memory(), OPEN)}`);
  for (const stream of streams) stream.destroy();
  await server.stop();
}

type Memory = Awaited<ReturnType<MeasuredServer['memory']>>;

function difference(before: Memory, after: Memory, count: number): string {
  const used = Math.round((after.used - before.used) / count);
  return `${used} bytes each after garbage collection, ${Math.round((after.resident - before.resident) / count)} resident`;
}

/** The heap that a run without payloads costs, with its share of a thread. */
function measureHeap(runs: number, perThread: number): void {
  const before = heap();
  const stores = createMemoryStores();
  const alice = asOwner('alice');
  const assistantId = created(stores.assistants.create(alice, { graphId: GRAPH })).id;
  for (let thread = 0; thread < runs / perThread; thread++) {
    const threadId = created(stores.threads.create(alice, {})).id;
    for (let run = 0; run < perThread; run++) void stores.runs.create(alice, { threadId, assistantId });
  }
  const bytes = Math.round((heap() - before) / runs);
  // Also keeps the stores alive up to here.
  if (stores.runs.count(alice) !== runs) throw new Error('Not all runs were created.');
  console.log(`${bytes} bytes of heap for a run with its share of a thread of ${perThread}`);
}

function created<T>(outcome: unknown): T {
  return (outcome as { value: T }).value;
}

function heap(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

async function inParallel(
  calls: number,
  call: (index: number) => Promise<unknown>,
  connections = CONNECTIONS,
): Promise<void> {
  const indexes = Array.from({ length: calls }).keys();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      for (const index of indexes) await call(index);
    }),
  );
}

function percentiles(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number): string => (sorted[Math.floor(sorted.length * part)] ?? Number.NaN).toFixed(1);
  return `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms`;
}
