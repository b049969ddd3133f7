import { Agent, type IncomingMessage } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { MaybePromise } from '../src/lib/maybe-promise.ts';
import { createMemoryStores } from '../src/store/memory/stores.ts';
import type { CreateOutcome } from '../src/store/outcome.ts';
import { asOwner } from '../src/store/owner.ts';
import { BY_HAND, type MeasuredServer, send, startServer, tokenOf } from './measured-servers.ts';
import { CLAIM, CREATE, type Created, createAssistant, GRAPH, inParallel, openStream } from './run-calls.ts';

/**
 * Measures the memory of runs, of claims that wait, and of open streams of events. Its arguments select them: `claims`,
 * `streams`, `heap`. Default: all.
 */
/** How many claims wait, and how many streams are open, for their memory. */
const OPEN = Number(process.env.MEASURE_OPEN ?? 10_000);
const agent = new Agent({ keepAlive: true, maxFreeSockets: Infinity });

const asked = process.argv.slice(2);
const isAsked = (name: string): boolean => asked.length === 0 || asked.includes(name);
if (isAsked('claims')) {
  await measureWaitingClaims('this server', await startServer({}));
  await measureWaitingClaims('by hand', await startServer({}, BY_HAND));
}
if (isAsked('streams')) {
  const server = await startServer({});
  await measureStreams('this server', server, await createRuns(server));
  await measureStreams('by hand', await startServer({}, BY_HAND), []);
}
if (isAsked('heap')) for (const perThread of [1, 10]) await measureHeap(200_000, perThread);
agent.destroy();

/** Memory of waiting claims: a worker has 500. */
async function measureWaitingClaims(name: string, server: MeasuredServer): Promise<void> {
  const workers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => tokenOf(`worker ${index}`, true)),
  );
  const claim = (index: number): Promise<unknown> =>
    send(server.port, agent, workers[index % 20] ?? '', {
      query: CLAIM,
      variables: { input: { worker: 'worker', graphIds: ['nothing'], waitSeconds: 10 } },
    });
  // What the first calls load and compile is no part of each one.
  await Promise.all([...workers.keys(), ...workers.keys()].map(claim));
  const empty = await server.memory();
  const claims = Array.from({ length: OPEN }, (_, index) => claim(index));
  let answered = 0;
  for (const call of claims) void call.then(() => answered++);
  await wait(8_500);
  const waiting = await server.memory();
  if (answered > 0) throw new Error(`${answered} of ${OPEN} claims no longer wait.`);
  console.log(`${OPEN} waiting claims, ${name}: ${difference(empty, waiting, OPEN)}`);
  await Promise.all(claims);
  console.log(`  their connections, once answered: ${difference(empty, await server.memory(), OPEN)}`);
  await server.stop();
}

interface RunOfOwner {
  readonly token: string;
  readonly id: string;
}

/** Creates a run for each stream: an owner has 50 of them. */
async function createRuns(server: MeasuredServer): Promise<readonly RunOfOwner[]> {
  const owners = await Promise.all(
    Array.from({ length: OPEN / 50 }, (_, index) => tokenOf(`owner ${index}`)),
  );
  const runs: RunOfOwner[] = [];
  for (const token of owners) {
    const assistantId = await createAssistant(server.port, agent, token);
    await inParallel(50, async () => {
      const body = { query: CREATE, variables: { input: { assistantId } } };
      runs.push({ token, id: (await send<Created>(server.port, agent, token, body)).run.id });
    });
  }
  return runs;
}

/** Memory of open streams, each of a run of its own. */
async function measureStreams(
  name: string,
  server: MeasuredServer,
  runs: readonly RunOfOwner[],
): Promise<void> {
  const open = async (index: number): Promise<IncomingMessage> => {
    const { token = '', id = '' } = runs[index] ?? {};
    return openStream(server.port, agent, token, id);
  };
  for (const index of Array.from({ length: 20 }).keys()) (await open(index)).destroy();
  const without = await server.memory();
  const streams: IncomingMessage[] = [];
  await inParallel(OPEN, async (index) => {
    streams.push(await open(index));
  });
  console.log(`${streams.length} open streams, ${name}: ${difference(without, await server.memory(), OPEN)}`);
  for (const stream of streams) stream.destroy();
  await server.stop();
}

type Memory = Awaited<ReturnType<MeasuredServer['memory']>>;

function difference(before: Memory, after: Memory, count: number): string {
  const used = Math.round((after.used - before.used) / count);
  return `${used} bytes each after garbage collection, ${Math.round((after.resident - before.resident) / count)} resident`;
}

/** The heap that a run without payloads costs, with its share of a thread. */
async function measureHeap(runs: number, perThread: number): Promise<void> {
  const before = heap();
  const stores = createMemoryStores();
  const alice = asOwner('alice');
  const assistantId = (await created(stores.assistants.create(alice, { graphId: GRAPH }))).id;
  for (let thread = 0; thread < runs / perThread; thread++) {
    const threadId = (await created(stores.threads.create(alice, {}))).id;
    for (let run = 0; run < perThread; run++) void stores.runs.create(alice, { threadId, assistantId });
  }
  const bytes = Math.round((heap() - before) / runs);
  // Also keeps the stores alive up to here.
  if (stores.runs.count(alice) !== runs) throw new Error('Not all runs were created.');
  console.log(`${bytes} bytes of heap for a run with its share of a thread of ${perThread}`);
}

async function created<T>(outcome: MaybePromise<CreateOutcome<T>>): Promise<T> {
  const settled = await outcome;
  if ('refusals' in settled) throw new Error(settled.refusals[0]?.message);
  return settled.value;
}

function heap(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
