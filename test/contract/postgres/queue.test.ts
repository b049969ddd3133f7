import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AppendedEvents } from '../../../src/store/execution.ts';
import { asOwner, type Owner } from '../../../src/store/owner.ts';
import { openPostgresStores, type PostgresStores } from '../../../src/store/postgres/stores.ts';
import type { Claim, ClaimRequest } from '../../../src/store/queue.ts';
import { refusalsOf, valueOf } from '../../support/bench.ts';
import { eventually } from '../../support/eventually.ts';
import { connected } from '../../support/postgres/admin.ts';
import { configFor } from '../../support/postgres/config.ts';
import { createMigratedDatabase, type TestDatabase } from '../../support/postgres/database.ts';
import { makeAssistant } from '../../support/records.ts';
import { NEWEST_FIRST } from '../../support/walk.ts';

const [alice, bob, worker] = [asOwner('alice'), asOwner('bob'), asOwner('worker')];
const GRAPH = 'graph';
const REQUEST: ClaimRequest = {
  allOwners: true,
  name: 'a worker',
  graphIds: [GRAPH],
  max: 1,
  leaseSeconds: 30,
  waitSeconds: 0,
};

/** A server on the database, with what it was told. */
interface Server extends PostgresStores {
  readonly ready: (readonly [Owner, string])[];
  readonly events: AppendedEvents[];
}

let database: TestDatabase;
let servers: readonly [Server, Server];

beforeAll(async () => {
  database = await createMigratedDatabase();
  servers = [await openServer(), await openServer()];
});

afterAll(async () => {
  await Promise.all(servers.map(async ({ close }) => close()));
  await database.drop();
});

beforeEach(async () => {
  await connected(database.adminUrl, async (sql) => {
    await sql`TRUNCATE agent_graphql.runs, agent_graphql.threads, agent_graphql.assistants, agent_graphql.executions,
      agent_graphql.run_payloads, agent_graphql.run_events, agent_graphql.idempotency_keys`;
  });
  for (const { drainNotifications } of servers) await drainNotifications();
  for (const { ready, events } of servers) ready.length = events.length = 0;
});

async function openServer(): Promise<Server> {
  const ready: (readonly [Owner, string])[] = [];
  const events: AppendedEvents[] = [];
  const stores = await openPostgresStores(configFor(database.url), {
    onReady: (owner, graphId) => void ready.push([owner, graphId]),
    publishEvents: (_, appended) => void events.push(appended),
    sweepInterval: null,
  });
  return { ...stores, ready, events };
}

/** Makes runs of an owner, each on a thread of its own. */
async function makeRuns(owner: Owner, count: number, input = {}): Promise<readonly string[]> {
  const stores = servers[0].forRequest();
  const { id: assistantId } = await makeAssistant(stores, owner, { graphId: GRAPH });
  const runs = await Promise.all(
    Array.from({ length: count }, async () =>
      valueOf(await stores.runs.create(owner, { assistantId, ...input })),
    ),
  );
  return runs.map(({ id }) => id);
}

async function claim(
  request: Partial<ClaimRequest> = {},
  server: Server = servers[0],
): Promise<readonly Claim[]> {
  return valueOf(await server.forRequest().queue.claim(worker, { ...REQUEST, ...request }));
}

/** Lets all leases have ended, and all delays and timeouts be over, some seconds ago. */
async function passTime(seconds: number): Promise<void> {
  await connected(database.adminUrl, async (sql) => {
    await sql`UPDATE agent_graphql.executions SET lease_ends_at = lease_ends_at - ${seconds} * interval '1 s',
      due_at = due_at - ${seconds} * interval '1 s', available_at = available_at - ${seconds} * interval '1 s',
      finished_at = finished_at - ${seconds} * interval '1 s'`;
    await sql`UPDATE agent_graphql.runs SET available_at = available_at - ${seconds} * interval '1 s',
      started_at = started_at - ${seconds} * interval '1 s', finished_at = finished_at - ${seconds} * interval '1 s',
      cancel_requested_at = cancel_requested_at - ${seconds} * interval '1 s'`;
  });
}

describe('the queue in PostgreSQL', () => {
  it('should give each of 200 runs once to fifty claimers at two servers', async () => {
    const made = (await Promise.all(['a', 'b', 'c', 'd'].map((name) => makeRuns(asOwner(name), 50)))).flat();
    const claimed: string[] = [];
    await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const server = servers[index % 2 === 0 ? 0 : 1];
        for (;;) {
          const claims = await claim({ max: (index % 3) + 1 }, server);
          if (claims.length === 0) return;
          claimed.push(...claims.map(({ run }) => run.id));
        }
      }),
    );
    expect(claimed.toSorted()).toStrictEqual(made.toSorted());
  });

  it('should let owners take turns', async () => {
    const many = await makeRuns(alice, 5);
    const [one] = await makeRuns(bob, 1);
    const owners = (await claim({ max: 4 })).map(({ owner }) => owner);
    expect(owners.filter((owner) => owner === bob)).toHaveLength(1);
    expect(owners.slice(0, 2).toSorted()).toStrictEqual([alice, bob]);
    expect(await claim({ max: 50 })).toHaveLength(many.length + 1 - 4);
    expect(one).toBeDefined();
  });

  it("should give a tenant's worker the runs of that tenant alone", async () => {
    await makeRuns(alice, 1);
    await makeRuns(bob, 1);
    const { queue } = servers[0].forRequest();
    const claims = valueOf(await queue.claim(bob, { ...REQUEST, allOwners: false, max: 10 }));
    expect(claims.map(({ owner }) => owner)).toStrictEqual([bob]);
  });

  it('should hand over all that an attempt needs, and end it', async () => {
    const stores = servers[0].forRequest();
    const { id: assistantId } = await makeAssistant(stores, alice, { graphId: GRAPH });
    const first = valueOf(await stores.runs.create(alice, { assistantId, input: { question: 1 } }));
    const second = valueOf(
      await stores.runs.create(alice, { assistantId, threadId: first.threadId, input: { question: 2 } }),
    );
    const [one, ...none] = await claim({ max: 2 });
    expect(none).toStrictEqual([]);
    expect(one).toMatchObject({ owner: alice, input: '{"question":1}', values: null, run: { attempt: 1 } });
    const lease = one?.lease ?? '';
    const { queue, runs, threads } = servers[1].forRequest();
    expect(valueOf(await queue.checkpoint(worker, { lease, values: { half: true } }))).toMatchObject({
      held: true,
    });
    const appended = await queue.appendEvents(worker, {
      lease,
      offset: 0,
      events: [{ type: 'TOKEN', data: { text: 'it\'s \\ "ü" 😀' } }, { type: 'TOKEN' }],
    });
    expect(appended).toMatchObject({ lease: { held: true, storedEvents: 2 }, refusals: [] });
    const finish = { lease, status: 'SUCCESS', retry: false } as const;
    expect(valueOf(await queue.finish(worker, finish))).toStrictEqual({ accepted: true, status: 'SUCCESS' });
    expect(valueOf(await queue.finish(worker, finish))).toStrictEqual({ accepted: true, status: 'SUCCESS' });
    expect(await runs.payload(alice, first.id, 'output')).toBe('{"half":true}');
    expect(await threads.get(alice, first.threadId)).toMatchObject({ valuesRunId: first.id, status: 'BUSY' });
    const page = await runs.events(alice, first.id, { after: 0, limit: 10, maxBytes: 1_000_000 });
    expect(page?.events.map(({ seq, type, data }) => [seq, type, data])).toStrictEqual([
      [1, 'RUN_STARTED', JSON.stringify({ threadId: first.threadId, runId: first.id, attempt: 1 })],
      [2, 'TOKEN', JSON.stringify({ text: 'it\'s \\ "ü" 😀' })],
      [3, 'TOKEN', '{}'],
      [4, 'RUN_FINISHED', JSON.stringify({ threadId: first.threadId, runId: first.id, status: 'SUCCESS' })],
    ]);
    expect((await runs.events(alice, first.id, { after: 1, limit: 10, maxBytes: 1 }))?.events).toHaveLength(
      1,
    );
    expect(await claim()).toMatchObject([{ run: { id: second.id }, values: '{"half":true}' }]);
  });

  it('should give a lost run to another, after a pause, and take its worker back until then', async () => {
    const [id = ''] = await makeRuns(alice, 1);
    const [first] = await claim();
    const lease = first?.lease ?? '';
    await passTime(31);
    await servers[1].sweep();
    const { runs, queue } = servers[0].forRequest();
    expect(await runs.get(alice, id)).toMatchObject({ status: 'RUNNING', worker: null });
    expect(await claim()).toStrictEqual([]);
    const beat = { leases: [lease], leaseSeconds: 20, waitSeconds: 0 };
    expect(valueOf(await queue.heartbeat(worker, beat))).toMatchObject([{ held: true, leaseSeconds: 20 }]);
    expect(await servers[1].forRequest().runs.get(alice, id)).toMatchObject({
      worker: 'a worker',
      availableAt: null,
    });
    await passTime(31);
    await servers[1].sweep();
    await passTime(2);
    await servers[1].sweep();
    expect(await claim()).toMatchObject([{ run: { id, attempt: 2 } }]);
    expect(valueOf(await queue.heartbeat(worker, beat))).toMatchObject([{ held: false }]);
  });

  it('should tell all servers of runs that may be taken and of events, each once', async () => {
    const [id = ''] = await makeRuns(alice, 1);
    expect(servers[0].ready).toStrictEqual([[alice, GRAPH]]);
    await eventually('the other server hears of the run', () => servers[1].ready.length > 0);
    expect(servers[1].ready).toStrictEqual([[alice, GRAPH]]);
    await claim();
    expect(servers[0].events).toMatchObject([{ run: { id }, events: [{ seq: 1, type: 'RUN_STARTED' }] }]);
    await eventually('the other server hears of the event', () => servers[1].events.length > 0);
    expect(servers[1].events).toMatchObject([{ run: { id }, events: [] }]);
    await servers[0].drainNotifications();
    await servers[1].drainNotifications();
    expect(servers[0].events).toHaveLength(1);
    expect(servers[0].ready).toHaveLength(1);
  });

  it('should wake what was delayed, and move the runs of an assistant to its new graph', async () => {
    const [id = ''] = await makeRuns(alice, 1, { delaySeconds: 10 });
    await servers[0].sweep();
    expect(servers[0].ready).toStrictEqual([]);
    await passTime(11);
    await servers[0].sweep();
    expect(servers[0].ready).toStrictEqual([[alice, GRAPH]]);
    const { runs, assistants } = servers[0].forRequest();
    const run = await runs.get(alice, id);
    valueOf(await assistants.update(alice, run?.assistantId ?? '', { graphId: 'another' }));
    expect(servers[0].ready.at(-1)).toStrictEqual([alice, 'another']);
    expect(await claim()).toStrictEqual([]);
    expect(await claim({ graphIds: ['another', GRAPH] })).toMatchObject([{ run: { id } }]);
  });

  it('should do by itself what is due', async () => {
    const ready: string[] = [];
    const stores = await openPostgresStores(configFor(database.url), {
      onReady: (_, graphId) => void ready.push(graphId),
    });
    try {
      await makeRuns(alice, 1, { delaySeconds: 10 });
      await passTime(11);
      await eventually('the run is ready', () => ready.length > 0);
      expect(await claim()).toHaveLength(1);
      await passTime(31);
      await eventually('the run is lost', async () => {
        const [run] = (await stores.forRequest().runs.list(alice, { orderBy: NEWEST_FIRST })).items;
        return run?.worker === null;
      });
    } finally {
      await stores.close();
    }
  });

  it('should make one record of a key that comes many times at once, until it is deleted', async () => {
    const stores = servers[0].forRequest();
    const { id: assistantId } = await makeAssistant(stores, alice, { graphId: GRAPH });
    const input = { assistantId, input: { a: 1, b: 2 }, idempotencyKey: 'a key' };
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, async (_, index) =>
        servers[index % 2 === 0 ? 0 : 1].forRequest().runs.create(alice, input),
      ),
    );
    expect(new Set(outcomes.map((outcome) => valueOf(outcome).id)).size).toBe(1);
    expect(outcomes.filter((outcome) => 'replayed' in outcome && !outcome.replayed)).toHaveLength(1);
    expect(await stores.runs.count(alice)).toBe(1);
    const other = await stores.runs.create(alice, { ...input, input: { a: 2 } });
    expect(refusalsOf(other)).toStrictEqual(['CONFLICT idempotencyKey']);
    const { threadId } = valueOf(outcomes[0] ?? other);
    valueOf(await stores.threads.delete(alice, threadId));
    expect(await stores.runs.create(alice, input)).toMatchObject({ replayed: false });
  });

  it('should forget events after their time, and drop the partitions of days that nobody needs', async () => {
    const partitions = () =>
      connected(database.adminUrl, async (sql) => {
        const rows = await sql`SELECT inhrelid::regclass::text AS name FROM pg_inherits
          WHERE inhparent = 'agent_graphql.run_events'::regclass ORDER BY 1`;
        return rows.map(({ name }) => String(name));
      });
    const [id = ''] = await makeRuns(alice, 1);
    const [first] = await claim();
    // A day may have begun since the database was made.
    await servers[0].sweep();
    const before = await partitions();
    await connected(database.adminUrl, async (sql) => {
      await sql.unsafe('SELECT agent_graphql.make_event_partitions(current_date - 5, 1)');
    });
    expect(await partitions()).toHaveLength(before.length + 1);
    const { queue, runs } = servers[0].forRequest();
    valueOf(await queue.finish(worker, { lease: first?.lease ?? '', status: 'CANCELLED', retry: false }));
    await servers[0].sweep();
    expect(await partitions()).toStrictEqual(before);
    const range = { after: 0, limit: 10, maxBytes: 1_000 };
    expect(await runs.events(alice, id, range)).toMatchObject({
      events: [{}, {}],
      missedUpTo: null,
      lastSeq: 2,
    });
    await passTime(25 * 3_600);
    const gone = { events: [], missedUpTo: 2, lastSeq: 2 };
    expect(await servers[0].forRequest().runs.events(alice, id, range)).toMatchObject(gone);
    await servers[0].sweep();
    expect(await servers[0].forRequest().runs.events(alice, id, range)).toMatchObject(gone);
  });
});
