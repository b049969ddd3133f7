import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { type Client, clientOf, SERVER, workerClientOf } from '../../process/client.ts';
import { greeting, openProject, type Project, type Started } from '../../process/project.ts';
import { connectAs } from '../../http/streams/socket-client.ts';
import { eventually } from '../../support/eventually.ts';
import { connected } from '../../support/postgres/admin.ts';
import { createDatabase } from '../../support/postgres/database.ts';
import { bound } from '../../support/slowness.ts';

let project: Project;

beforeAll(async () => {
  project = await openProject();
});

afterAll(() => project.remove());

/** A server with clients of it. */
interface Running {
  readonly server: Started;
  readonly port: number;
  readonly alice: Client;
  readonly worker: Client;
  /** How many calls wait at it. */
  waits(): Promise<number>;
}

async function start(env: Readonly<Record<string, string>> = {}): Promise<Running> {
  const server = project.server({ ...SERVER, METRICS_PORT: '0', ...env });
  const { port } = await greeting(server);
  const [, metrics] = await server.prints(/"port":(\d+),"msg":"serving metrics"/);
  return {
    server,
    port,
    alice: await clientOf(port, 'alice'),
    worker: await workerClientOf(port, 'worker'),
    async waits() {
      const response = await fetch(`http://127.0.0.1:${metrics}/metrics`, {
        headers: { connection: 'close' },
      });
      return Number(/^agent_graphql_open_waits (\d+)$/m.exec(await response.text())?.[1]);
    },
  };
}

/** Two servers of one database. @param poolSize of each */
async function startTwo(poolSize: number) {
  const database = await createDatabase();
  onTestFinished(() => database.drop());
  const env = { DATABASE_URL: database.url, DATABASE_POOL_SIZE: String(poolSize) };
  const servers = [await start(env), await start(env)] as const;
  onTestFinished(() => stop(servers));
  return { servers, adminUrl: database.adminUrl };
}

async function stop(servers: readonly Running[]): Promise<void> {
  for (const { server } of servers) server.send('SIGTERM');
  for (const { server } of servers) expect(await server.ending).toMatchObject({ code: 0, stderr: '' });
}

async function createAssistant({ alice }: Running): Promise<string> {
  const { body } = await alice.send(
    'mutation { createAssistant(input: {graphId: "graph"}) { assistant { id } } }',
  );
  return z.object({ createAssistant: z.object({ assistant: z.object({ id: z.string() }) }) }).parse(body.data)
    .createAssistant.assistant.id;
}

/** Creates a run. @returns its id, and when it was answered */
async function createRun({ alice }: Running, assistantId: string, delaySeconds = 0) {
  const { body } = await alice.send(
    `mutation { createRun(input: {assistantId: "${assistantId}", delaySeconds: ${delaySeconds}}) { run { id } } }`,
  );
  const at = performance.now();
  const { run } = z
    .object({ createRun: z.object({ run: z.object({ id: z.string() }) }) })
    .parse(body.data).createRun;
  return { id: run.id, at };
}

const CLAIM = `mutation($seconds: Int!) { claimRuns(input: {worker: "w", graphIds: ["graph"], waitSeconds: $seconds}) {
  claims { runId lease } userErrors { code } } }`;
const Claimed = z.object({
  claimRuns: z.object({ claims: z.array(z.object({ runId: z.string(), lease: z.string() })) }),
});

/** Claims a run. @returns its claims, and when it was answered */
async function claim({ worker }: Running, seconds = 10, signal?: AbortSignal) {
  const { status, body } = await worker.send(CLAIM, { seconds }, signal);
  const at = performance.now();
  expect(status).toBe(200);
  return { claims: Claimed.parse(body.data).claimRuns.claims, at };
}

/** Is done when so many calls wait at a server. */
async function waiting({ waits }: Running, count: number): Promise<void> {
  await eventually(`${count} calls wait`, async () => (await waits()) === count);
}

/** How long after the creation of a run a claim that waits for it is answered, a few times over, in milliseconds. */
async function latencies(at: Running, from: Running): Promise<readonly number[]> {
  const assistantId = await createAssistant(from);
  const took: number[] = [];
  for (let i = 0; i < 5; i++) {
    const claimed = claim(at);
    await waiting(at, 1);
    const created = await createRun(from, assistantId);
    const { claims, at: answered } = await claimed;
    expect(claims.map(({ runId }) => runId)).toEqual([created.id]);
    took.push(answered - created.at);
  }
  return took;
}

describe('a claim that waits', () => {
  it('should be answered soon after the creation of a run, in memory', async () => {
    const server = await start();
    expect(Math.max(...(await latencies(server, server)))).toBeLessThan(bound(100));
    await stop([server]);
  });

  it('should be answered soon after the creation of a run, at the same server and at another one', async () => {
    const { servers } = await startTwo(2);
    const [first, second] = servers;
    expect(Math.max(...(await latencies(first, first)))).toBeLessThan(bound(100));
    expect(Math.max(...(await latencies(first, second)))).toBeLessThan(bound(1_000));
  });

  it.each(['memory', 'PostgreSQL'])('should be given a run once its time has come: %s', async (kind) => {
    const running = kind === 'memory' ? [await start()] : (await startTwo(2)).servers;
    const [at] = running;
    const from = running.at(-1) ?? at;
    if (at === undefined || from === undefined) throw new TypeError('There is no server.');
    const assistantId = await createAssistant(from);
    const claimed = claim(at);
    await waiting(at, 1);
    const created = await createRun(from, assistantId, 1);
    const first = await claimed;
    expect(first.claims.map(({ runId }) => runId)).toEqual([created.id]);
    // A second from its creation, and 5 s until what is due is done.
    expect(first.at - created.at).toBeLessThan(bound(6_000));

    // Its next attempt is due after a second.
    const again = claim(at);
    await waiting(at, 1);
    const failed = performance.now();
    await from.worker.send(
      `mutation($lease: String!) { finishRun(input: {lease: $lease, status: ERROR, retry: true,
        error: {code: "X", message: "x"}}) { accepted } }`,
      { lease: first.claims[0]?.lease },
    );
    const second = await again;
    expect(second.claims.map(({ runId }) => runId)).toEqual([created.id]);
    expect(second.at - failed).toBeLessThan(bound(6_000));
    if (kind === 'memory') await stop(running);
  });

  it('should not keep a run from others when its client has gone', async () => {
    const { servers } = await startTwo(2);
    const [first, second] = servers;
    const assistantId = await createAssistant(first);
    for (const creator of [first, second]) {
      const leaving = new AbortController();
      const gone = Array.from({ length: 20 }, () => claim(first, 10, leaving.signal));
      const outcomes = Promise.allSettled(gone);
      await waiting(first, gone.length);
      leaving.abort();
      await outcomes;
      await waiting(first, 0);
      const { id } = await createRun(creator, assistantId);
      expect((await claim(first)).claims.map(({ runId }) => runId)).toEqual([id]);
    }
  });

  it('should give each of many runs to one of many that wait, whoever of them goes away meanwhile', async () => {
    const { servers } = await startTwo(2);
    const [first] = servers;
    const assistantId = await createAssistant(first);
    const leaving = new AbortController();
    const gone = Promise.allSettled(Array.from({ length: 50 }, () => claim(first, 10, leaving.signal)));
    await waiting(first, 50);
    const stay = servers.flatMap((server) => Array.from({ length: 50 }, () => claim(server)));
    await waiting(first, 100);
    leaving.abort();
    const created: string[] = [];
    // As many as there are claims that stay, at both servers.
    await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        created.push((await createRun(servers[index % 2] ?? first, assistantId)).id);
      }),
    );
    const held = [...(await Promise.all(stay)), ...fulfilled(await gone)];
    const given = held.flatMap(({ claims }) => claims.map(({ runId }) => runId));
    expect(new Set(given).size).toBe(given.length);
    expect(given.toSorted()).toEqual(created.toSorted());
  });
});

function fulfilled<T>(results: readonly PromiseSettledResult<T>[]): readonly T[] {
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

describe('calls that wait for what happens to a run', () => {
  it.each(['the same server', 'another server'])('should be answered soon after it, at %s', async (place) => {
    const { servers } = await startTwo(2);
    const [first, second] = servers;
    const there = place === 'another server' ? second : first;
    const limit = bound(place === 'another server' ? 1_000 : 100);
    const assistantId = await createAssistant(first);
    for (let i = 0; i < 3; i++) {
      const { id } = await createRun(first, assistantId);
      const [held] = (await claim(there)).claims;
      const lease = held?.lease;
      const beat = timed(there.worker.send(BEAT, { lease }));
      await waiting(there, 1);
      await first.alice.send('mutation($id: ID!) { cancelRun(input: {id: $id}) { run { id } } }', { id });
      const cancelled = performance.now();
      const { answer, at } = await beat;
      expect(answer.body).toEqual({
        data: { heartbeatRuns: { leases: [{ held: true, cancel: 'INTERRUPT' }] } },
      });
      expect(at - cancelled).toBeLessThan(limit);

      const end = timed(there.alice.send('query($id: ID!) { waitForRun(id: $id) { status } }', { id }));
      await waiting(there, 1);
      await first.worker.send(
        'mutation($lease: String!) { finishRun(input: {lease: $lease, status: CANCELLED}) { accepted } }',
        { lease },
      );
      const finished = performance.now();
      const ended = await end;
      expect(ended.answer.body).toEqual({ data: { waitForRun: { status: 'CANCELLED' } } });
      expect(ended.at - finished).toBeLessThan(limit);
    }
  });
});

const BEAT =
  'mutation($lease: String!) { heartbeatRuns(input: {leases: [$lease], waitSeconds: 10}) { leases { held cancel } } }';

/** An answer, with when it came. */
async function timed<T>(answer: Promise<T>) {
  return { answer: await answer, at: performance.now() };
}

describe('hundreds of calls that wait', () => {
  it('should hold no database connection', async () => {
    const { servers, adminUrl } = await startTwo(2);
    const [first, second] = servers;
    const assistantId = await createAssistant(first);
    const { id } = await createRun(first, assistantId);
    const [held] = (await claim(first)).claims;
    const wait = 'query($id: ID!) { waitForRun(id: $id) { status } }';
    const leaving = new AbortController();
    const claims = Array.from({ length: 200 }, () => claim(first, 10, leaving.signal));
    const others = Array.from({ length: 200 }, (_, index) =>
      index % 2 === 0 ? first.worker.send(BEAT, { lease: held?.lease }) : first.alice.send(wait, { id }),
    );
    await waiting(first, 400);
    const asked = performance.now();
    const answer = await first.alice.send('{ runs { totalCount } }');
    expect(answer.body).toEqual({ data: { runs: { totalCount: 1 } } });
    expect(performance.now() - asked).toBeLessThan(bound(1_000));
    await connected(adminUrl, async (sql) => {
      const { count } = await sql`SELECT FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'agent-graphql'`;
      // The pools, and the connections that listen.
      expect(count).toBeLessThanOrEqual(2 * (2 + 1));
    });
    await createRun(second, assistantId);
    await first.worker.send(
      'mutation($lease: String!) { finishRun(input: {lease: $lease, status: SUCCESS}) { accepted } }',
      {
        lease: held?.lease,
      },
    );
    for (const { text } of await Promise.all(others)) {
      expect(text).toMatch(
        /^\{"data":\{("heartbeatRuns":\{"leases":\[\{"held":false,"cancel":null\}\]\}|"waitForRun":\{"status":"SUCCESS"\})\}\}$/,
      );
    }
    expect((await Promise.race(claims)).claims).toHaveLength(1);
    leaving.abort();
    expect(fulfilled(await Promise.allSettled(claims))).toHaveLength(1);
  });
});

describe('a server that shuts down', () => {
  it.each(['memory', 'PostgreSQL'])(
    'should answer the calls that wait with what there is: %s',
    async (kind) => {
      const env: Record<string, string> = {};
      if (kind === 'PostgreSQL') {
        const database = await createDatabase();
        onTestFinished(() => database.drop());
        env['DATABASE_URL'] = database.url;
      }
      const running = await start(env);
      const { id } = await createRun(running, await createAssistant(running));
      const [held] = (await claim(running)).claims;
      const claims = Array.from({ length: 20 }, () => claim(running));
      const beats = running.worker.send(BEAT, { lease: held?.lease });
      const ends = running.alice.send('query($id: ID!) { waitForRun(id: $id) { status } }', { id });
      const socket = await connectAs(running.port, 'alice');
      socket.subscribe('1', CLAIM, { seconds: 10 });
      await waiting(running, 23);
      running.server.send('SIGTERM');
      for (const one of claims) expect((await one).claims).toEqual([]);
      expect((await beats).body).toEqual({
        data: { heartbeatRuns: { leases: [{ held: true, cancel: null }] } },
      });
      expect((await ends).body).toEqual({ data: { waitForRun: { status: 'RUNNING' } } });
      const { code, rest } = await socket.closed();
      expect(rest).toEqual([
        { id: '1', type: 'next', payload: { data: { claimRuns: { claims: [], userErrors: [] } } } },
        { id: '1', type: 'complete' },
      ]);
      expect(code).toBe(1012);
      expect(await running.server.ending).toMatchObject({ code: 0, stderr: '' });
    },
  );
});
