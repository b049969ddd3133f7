import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { clientOf, SERVER, workerClientOf } from '../../process/client.ts';
import { greeting, openProject, type Project } from '../../process/project.ts';
import { createDatabase } from '../../support/postgres/database.ts';
import { TRANSPORTS } from '../runs/event-stream.ts';
import { follow } from '../runs/follow.ts';

let project: Project;

beforeAll(async () => {
  project = await openProject();
});

afterAll(() => project.remove());

const RUNS = 3;
/** Readers of each run over each transport. */
const READERS = 2;
/** Calls that append events to a run. */
const APPENDS = 60;

const Created = z.object({ createRun: z.object({ run: z.object({ id: z.string() }) }) });
const Claimed = z.object({
  claimRuns: z.object({ claims: z.array(z.object({ lease: z.string(), runId: z.string() })) }),
});
const Assistant = z.object({ createAssistant: z.object({ assistant: z.object({ id: z.string() }) }) });
const CLAIM = `mutation { claimRuns(input: {worker: "w", graphIds: ["graph"], max: ${RUNS}, leaseSeconds: 300}) {
  claims { lease runId } } }`;

/** A number from 0 to 99, again and again. */
function drawing(): () => number {
  const numbers = fc.sample(fc.integer({ min: 0, max: 99 }), 1_000);
  let index = 0;
  return () => numbers[index++ % numbers.length] ?? 0;
}

/** Creates runs of alice's, which a worker has: their leases by their ids. */
async function claimedRuns(port: number): Promise<ReadonlyMap<string, string>> {
  const alice = await clientOf(port, 'alice');
  const made = await alice.send(
    'mutation { createAssistant(input: {graphId: "graph"}) { assistant { id } } }',
  );
  const { id } = Assistant.parse(made.body.data).createAssistant.assistant;
  for (let i = 0; i < RUNS; i++) {
    const created = await alice.send(`mutation { createRun(input: {assistantId: "${id}"}) { run { id } } }`);
    Created.parse(created.body.data);
  }
  const claimed = await (await workerClientOf(port, 'worker')).send(CLAIM);
  const { claims } = Claimed.parse(claimed.body.data).claimRuns;
  expect(claims).toHaveLength(RUNS);
  return new Map(claims.map(({ runId, lease }) => [runId, lease]));
}

/** Sends a worker's call to one of the servers that there are, until it is answered. */
async function sendToAny(
  ports: readonly number[],
  draw: () => number,
  query: string,
  input: object,
): Promise<void> {
  for (;;) {
    const client = await workerClientOf(ports[draw() % ports.length] ?? 0, 'worker');
    const answer = await client.send(query, { input }).catch(() => null);
    if (answer === null) continue;
    expect(answer.text).toMatch(/"held":true|"accepted":true/);
    return;
  }
}

/** Executes a run. @returns the types of its events */
async function execute(
  ports: readonly number[],
  lease: string,
  draw: () => number,
  onAppended: () => void,
): Promise<readonly string[]> {
  const sent: string[] = [];
  for (let call = 0; call < APPENDS; call++) {
    const events = Array.from({ length: 1 + (draw() % 20) }, (_, index) => ({
      type: `E${sent.length + index}`,
    }));
    await sendToAny(
      ports,
      draw,
      'mutation($input: AppendRunEventsInput!) { appendRunEvents(input: $input) { lease { held } } }',
      { lease, offset: sent.length, events },
    );
    sent.push(...events.map(({ type }) => type));
    onAppended();
  }
  const finish = 'mutation($input: FinishRunInput!) { finishRun(input: $input) { accepted } }';
  await sendToAny(ports, draw, finish, { lease, status: 'SUCCESS' });
  return ['RUN_STARTED', ...sent, 'RUN_FINISHED'];
}

/** Lets readers follow runs while a worker executes them. @param onAppended called after each of the worker's calls */
async function testReaders(ports: readonly number[], onAppended: () => void): Promise<void> {
  const draw = drawing();
  const runs = await claimedRuns(ports[0] ?? 0);
  const readers = [...runs.keys()].flatMap((id) =>
    TRANSPORTS.flatMap((transport) =>
      Array.from({ length: READERS }, async () => ({
        id,
        ...(await follow(transport, ports, id, drawing())),
      })),
    ),
  );
  const executed = Promise.all(
    Array.from(runs, async ([id, lease]) => [id, await execute(ports, lease, draw, onAppended)] as const),
  );
  const [seen, types] = await Promise.all([Promise.all(readers), executed.then((all) => new Map(all))]);
  for (const { id, transport, ...followed } of seen) {
    const expected = types.get(id) ?? [];
    expect([transport, followed.seqs]).toEqual([transport, expected.map((_, index) => index + 1)]);
    expect([transport, followed.types]).toEqual([transport, expected]);
  }
  // They came back while the worker was at it.
  const connections = seen.reduce((sum, one) => sum + one.connections, 0);
  expect(connections).toBeGreaterThan(2 * seen.length);
  // Who comes back after the end is told that there is no more.
  for (const [id, { length }] of types) {
    for (const transport of TRANSPORTS) {
      const last = await follow(transport, ports, id, () => 5);
      expect(last).toMatchObject({ transport, connections: 1, seqs: { length } });
    }
  }
}

describe('a reader of events that comes back again and again', () => {
  it('should see each once and in order, at a server in memory', async () => {
    const server = project.server(SERVER);
    const { port } = await greeting(server);
    await testReaders([port], () => {});
    server.send('SIGTERM');
    expect(await server.ending).toMatchObject({ code: 0, stderr: '' });
  });

  it('should see each once and in order, at two servers of one PostgreSQL of which one is killed', async () => {
    const database = await createDatabase();
    onTestFinished(() => database.drop());
    const env = { ...SERVER, DATABASE_URL: database.url };
    const first = project.server(env);
    const ports = [(await greeting(first)).port];
    let second = project.server(env);
    ports.push((await greeting(second)).port);
    let appended = 0;
    let restarted: Promise<void> | undefined;

    async function restart(): Promise<void> {
      ports.pop();
      second.send('SIGKILL');
      second = project.server(env);
      ports.push((await greeting(second)).port);
    }

    await testReaders(ports, () => {
      appended++;
      if (appended === (RUNS * APPENDS) / 3) restarted = restart();
    });
    await restarted;
    for (const server of [first, second]) server.send('SIGTERM');
    for (const server of [first, second]) expect(await server.ending).toMatchObject({ code: 0, stderr: '' });
  });
});
