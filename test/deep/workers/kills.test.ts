import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Client, clientOf, SERVER } from '../../process/client.ts';
import { createAssistant, createRun } from '../../process/echo-worker.ts';
import { greeting, openProject, type Project, type Started } from '../../process/project.ts';
import { eventually } from '../../support/eventually.ts';
import { TRANSPORTS } from '../runs/event-stream.ts';
import { follow } from '../runs/follow.ts';
import { startWorker } from './library.ts';
import { PYTHON_LIBRARY } from './python-library.ts';
import { getRun } from './runs.ts';
import { TYPESCRIPT } from './typescript-library.ts';
import { keptPort } from '../../support/kept-port.ts';

const RUNS = 200;
/** Events of each run besides those of the server. */
const STEPS = 5;
/** Runs whose events are read meanwhile: an owner has 50 subscriptions. */
const READERS = 30;
/** How often something is killed: a worker, and in each third round the server too. */
const KILLS = 9;

let project: Project;

beforeAll(async () => {
  project = await openProject();
});

afterAll(() => project.remove());

it('should end each run once, with events without a gap, while workers and servers are killed', async () => {
  const port = await keptPort();
  const env = { ...SERVER, DATA_DIR: join(project.folder, 'data'), PORT: String(port) };
  let server = project.server(env);
  await greeting(server);
  const client = await clientOf(port, 'alice');
  const libraries = [TYPESCRIPT, PYTHON_LIBRARY].filter(({ missing }) => missing === null);
  const start = (index: number) =>
    startWorker(libraries[index % libraries.length] ?? TYPESCRIPT, project, port, WORKER);
  const workers = await Promise.all([0, 1, 2, 3].map(start));
  const ids = await createRuns(client);
  const [seed = 0, ...victims] = fc.sample(fc.nat(3), KILLS + 1);
  let drawn = seed;
  const draw = () => (drawn = (drawn * 37 + 11) % 100);
  const readers = ids.slice(0, READERS).map((id, index) => {
    return follow(TRANSPORTS[index % TRANSPORTS.length] ?? 'SSE', [port], id, draw);
  });

  for (const [round, victim] of victims.entries()) {
    // Some runs later, so that there is always one that is being executed.
    await endedRuns(client, ((round + 1) * RUNS) / (KILLS + 2));
    await kill(workers[victim]);
    if (round % 3 === 2) {
      await kill(server);
      server = project.server(env);
      await greeting(server);
    }
    workers[victim] = await start(victim);
  }
  await endedRuns(client, RUNS);

  for (const { seqs, types } of await Promise.all(readers)) {
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
    expect(types.filter((type) => type === 'RUN_FINISHED')).toEqual(['RUN_FINISHED']);
  }
  for (const id of ids) await checkRun(client, id);
  for (const worker of workers) worker.send('SIGTERM');
  for (const worker of workers) expect((await worker.ending).code).toBe(0);
});

/** Leases that end soon, so that the runs of a killed worker are executed by others soon. */
const WORKER = { leaseSeconds: 5, concurrency: 4 };

async function kill(started: Started | undefined): Promise<void> {
  started?.send('SIGKILL');
  await started?.ending;
}

async function createRuns(client: Client): Promise<readonly string[]> {
  const assistantId = await createAssistant(client, 'count');
  const input = { to: STEPS, pauseMilliseconds: 20 };
  const runs = Array.from({ length: RUNS }, () =>
    createRun(client, assistantId, { input, maxAttempts: 100 }),
  );
  return (await Promise.all(runs)).map(({ id }) => id);
}

async function endedRuns(client: Client, count: number): Promise<void> {
  const query = '{ runs(filter: {status: [SUCCESS]}) { totalCount } }';
  await eventually(`${count} runs have ended`, async () => {
    const { text } = await client.send(query);
    return Number(/"totalCount":(\d+)/.exec(text)?.[1]) >= count;
  });
}

/** Expects a run to have ended once, each attempt to go on from what was saved, and no event to be missing. */
async function checkRun(client: Client, id: string): Promise<void> {
  const { status, output, events, attempt } = await getRun(client, id);
  expect({ status, output }).toEqual({ status: 'SUCCESS', output: { count: STEPS } });
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(events.filter(({ type }) => type === 'RUN_FINISHED')).toHaveLength(1);
  expect(events.at(-1)).toMatchObject({ type: 'RUN_FINISHED', attempt });
  let saved = 0;
  for (const { type, data } of events) {
    const count = Number(data['count']);
    if (type !== 'CUSTOM') continue;
    // A step is repeated where its event was stored, and its checkpoint was not.
    expect([saved, saved + 1]).toContain(count);
    saved = count;
  }
  expect(saved).toBe(STEPS);
}
