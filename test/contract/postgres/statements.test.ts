import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deleteOldChanges } from '../../../src/store/postgres/notifications/change-log.ts';
import { createPool } from '../../../src/store/postgres/client/pool.ts';
import { openPostgresStores, type PostgresStores } from '../../../src/store/postgres/stores.ts';
import { asOwner, type Owner } from '../../../src/store/owner.ts';
import type { Stores } from '../../../src/store/stores.ts';
import { type Answer, openApi, send } from '../../support/api.ts';
import { connected } from '../../support/postgres/admin.ts';
import { createDatabase, type TestDatabase } from '../../support/postgres/database.ts';
import { listAt, valueAt } from '../../support/requests.ts';
import { call, valueOf } from '../../support/bench.ts';
import { makeAssistant } from '../../support/records.ts';
import { endCursor, everythingOf, idsOf, NEWEST_FIRST, startCursor } from '../../support/walk.ts';
import { configFor, TEST_LIMITS } from '../../support/postgres/config.ts';
import { type Sent, type Spy, spyOn, transactionsOf } from './spy.ts';

const alice = asOwner('alice');
/** The owners of the records. */
const OWNERS: ReadonlySet<string> = new Set(['alice', 'carol']);
/** No heartbeat sends a statement during a test. */
const QUIET = { heartbeatInterval: 3_600_000, heartbeatTimeout: 3_600_000 };

let database: TestDatabase;
let spy: Spy;
/** The observed server, and another one on the same database. */
let stores: PostgresStores;
let other: PostgresStores;

beforeAll(async () => {
  database = await createDatabase();
  spy = await spyOn(database.url);
  // There are no listeners: each statement belongs to a request.
  stores = await openPostgresStores(configFor(spy.url), {
    hasSubscribers: () => false,
    listenerTimes: QUIET,
    sweepInterval: null,
  });
  other = await openPostgresStores(configFor(database.url), { listenerTimes: QUIET });
  const opened = other.forRequest();
  const { threads, runs } = opened;
  for (let i = 0; i < 20; i++) {
    const thread = valueOf(await threads.create(alice, { metadata: { place: i } }));
    const assistant = await makeAssistant(opened, alice, {});
    await Promise.all(
      Array.from({ length: 20 }, async () =>
        valueOf(await runs.create(alice, { threadId: thread.id, assistantId: assistant.id })),
      ),
    );
  }
});

afterAll(async () => {
  await stores.close();
  await other.close();
  await spy.close();
  await database.drop();
});

/** The tables of records, and of what belongs to them. */
const TABLES =
  /agent_graphql\.(assistants|threads|runs|changes|executions|idempotency_keys|run_events|run_payloads)\b/;

/** A request to a server, as alice, and what it sent to the database: BEGIN and COMMIT aside. */
async function ask(
  query: string,
  variables?: Record<string, unknown>,
): Promise<{ answer: Answer; statements: readonly string[]; transactions: number }> {
  const { api, logged } = openApi({ stores: stores.forRequest() });
  spy.clear();
  const answer = await send(api, 'alice', query, variables);
  expect(logged).toStrictEqual([]);
  expect(answer.body.errors).toBeUndefined();
  const transactions = transactionsOf(spy.sent).filter((sent) => !isTidying(sent));
  const statements = transactions.flat().map(({ text }) => text);
  return {
    answer,
    statements: statements.filter((text) => !/^(BEGIN|COMMIT)/.test(text)),
    transactions: transactions.length,
  };
}

/** Old changes are looked for every minute, independent of requests. */
function isTidying(sent: readonly Sent[]): boolean {
  return sent.some(({ text }) => text.includes('agent_graphql.everybody'));
}

describe('the statements of a request', () => {
  it('should be four for 20 threads with 20 runs each and their assistants', async () => {
    const { answer, statements, transactions } = await ask(
      '{ threads(first: 20) { nodes { id status runs(first: 20) { nodes { id status assistant { id name } } } } } }',
    );
    expect(statements).toHaveLength(4);
    expect(transactions).toBe(1);
    const threads = listAt(answer, 'threads', 'nodes');
    expect(threads).toHaveLength(20);
    for (let i = 0; i < 20; i++) {
      const runs = listAt(answer, 'threads', 'nodes', i, 'runs', 'nodes');
      expect(runs).toHaveLength(20);
      expect(runs).not.toContainEqual(expect.objectContaining({ assistant: null }));
    }
  });

  it('should count only when a total is asked for, and once for all parents', async () => {
    const without = await ask('{ threads { nodes { id runs(first: 2) { nodes { id } } } } }');
    expect(without.statements.filter((text) => text.includes('count('))).toStrictEqual([]);
    expect(without.statements).toHaveLength(3);
    const withTotals = await ask(
      '{ threads { totalCount nodes { id runs(first: 2) { totalCount nodes { id } } } } }',
    );
    expect(withTotals.statements.filter((text) => text.includes('count('))).toHaveLength(2);
    expect(withTotals.statements).toHaveLength(5);
    expect(withTotals.transactions).toBe(1);
    expect(valueAt(withTotals.answer, 'threads', 'totalCount')).toBe(20);
    expect(valueAt(withTotals.answer, 'threads', 'nodes', 19, 'runs', 'totalCount')).toBe(20);
  });

  it('should be one for each type in which nodes are looked up, and one for the settings', async () => {
    const { assistants, threads, runs } = await everythingOf(other.forRequest(), alice);
    const ids = [assistants, threads, runs].flatMap((list) => idsOf(list).slice(0, 20));
    const { answer, statements, transactions } = await ask(
      'query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }',
      {
        ids,
      },
    );
    expect(statements).toHaveLength(4);
    expect(transactions).toBe(1);
    expect(listAt(answer, 'nodes')).toHaveLength(60);
    const one = await ask('query($id: ID!) { node(id: $id) { id } }', { id: ids[0] });
    expect(one.statements).toHaveLength(4);
  });

  it('should be in one transaction for a mutation, and in one more for what its answer reads', async () => {
    const [thread] = (await other.forRequest().threads.list(alice, { orderBy: NEWEST_FIRST })).items;
    const [assistant] = (await other.forRequest().assistants.list(alice, { orderBy: NEWEST_FIRST })).items;
    const { answer, transactions } = await ask(
      `mutation($input: CreateRunInput!) { createRun(input: $input) {
        run { id status thread { id status runs(first: 1) { totalCount nodes { id } } } } } }`,
      { input: { threadId: thread?.id, assistantId: assistant?.id } },
    );
    expect(transactions).toBe(2);
    const id = valueAt(answer, 'createRun', 'run', 'id');
    expect(valueAt(answer, 'createRun', 'run', 'thread')).toStrictEqual({
      id: thread?.id,
      status: 'BUSY',
      runs: { totalCount: 21, nodes: [{ id }] },
    });
  });

  it('should be in order however many there are at once', async () => {
    const { threads } = stores.forRequest();
    const counts = await Promise.all(
      Array.from({ length: 500 }, async (_, place) => threads.count(alice, { metadata: { place } })),
    );
    expect(counts).toStrictEqual(Array.from({ length: 500 }, (_, place) => (place < 20 ? 1 : 0)));
  });
});

describe('a request', () => {
  it('should see one moment, though things change between two levels of its answer', async () => {
    const opened = other.forRequest();
    const { threads, runs, assistants } = opened;
    const thread = valueOf(await threads.create(alice, {}));
    const assistant = await makeAssistant(opened, alice, { name: 'before' });
    const run = valueOf(await runs.create(alice, { threadId: thread.id, assistantId: assistant.id }));
    let done = false;
    spy.before('AS parents', async () => {
      valueOf(await runs.update(alice, run.id, { status: 'ERROR' }));
      valueOf(await assistants.update(alice, assistant.id, { name: 'after' }));
      done = true;
    });
    const query = `query($id: ID!) { thread(id: $id) { status runs { totalCount nodes { status assistant { name } } } } }`;
    const first = await ask(query, { id: thread.id });
    expect(done).toBe(true);
    const runBefore = { status: 'PENDING', assistant: { name: 'before' } };
    expect(valueAt(first.answer, 'thread')).toStrictEqual({
      status: 'BUSY',
      runs: { totalCount: 1, nodes: [runBefore] },
    });
    const next = await ask(query, { id: thread.id });
    const runAfter = { status: 'ERROR', assistant: { name: 'after' } };
    expect(valueAt(next.answer, 'thread')).toStrictEqual({
      status: 'ERROR',
      runs: { totalCount: 1, nodes: [runAfter] },
    });
  });

  it('should see what it has written, though it began to read something else before that was stored', async () => {
    const mine = stores.forRequest();
    const thread = valueOf(await mine.threads.create(alice, {}));
    let counting: unknown;
    const update = new Promise<void>((resolve, reject) => {
      spy.before(
        'UPDATE agent_graphql.threads',
        () =>
          new Promise((goOn) => {
            // The other read has its snapshot by then, and waits until the update has responded.
            spy.before('count(', () => {
              goOn();
              return update;
            });
            counting = mine.runs.count(alice);
          }),
      );
      call(() => mine.threads.update(alice, thread.id, { metadata: { new: true } })).then(
        () => resolve(),
        reject,
      );
    });
    await update;
    const seen = await mine.threads.get(alice, thread.id);
    expect(seen?.metadata).toStrictEqual({ owner: 'alice', new: true });
    await counting;
  });
});

describe('all statements', () => {
  it('should name the owner wherever they name a table of records', async () => {
    const listening = await openPostgresStores(configFor(spy.url), {
      listenerTimes: QUIET,
      sweepInterval: null,
    });
    const pool = createPool(configFor(spy.url));
    spy.clear();
    try {
      await useEverything(listening);
      await connected(
        database.adminUrl,
        (sql) => sql`UPDATE agent_graphql.changes SET at = at - interval '1 hour'`,
      );
      await deleteOldChanges({ ...TEST_LIMITS, pool });
    } finally {
      await pool.close();
      await listening.close();
    }
    const touching = spy.sent.filter(({ text }) => TABLES.test(text));
    expect(touching.length).toBeGreaterThan(50);
    const nameless = touching.filter(({ text, params }) => {
      const tables = text.match(new RegExp(TABLES, 'g')) ?? [];
      const owners = [...text.matchAll(/\bowner = \$(\d+)|\(owner, .*?(?:VALUES \(|SELECT )\$(\d+)/gs)];
      const named = owners.filter(([, condition, inserted]) =>
        OWNERS.has(params[Number(condition ?? inserted) - 1] ?? ''),
      );
      return named.length < tables.length;
    });
    // The only statement without an owner finds the owners of old changes.
    expect(nameless.map(({ text }) => text.replaceAll(/\s+/g, ' '))).toStrictEqual([
      "SELECT DISTINCT owner FROM agent_graphql.changes WHERE at < now() - interval '5 minutes'",
    ]);
  });
});

/** Calls everything that stores can do, with every filter and page. */
async function useEverything(opened: PostgresStores): Promise<void> {
  const carol = asOwner('carol');
  const request = opened.forRequest();
  const { assistants, threads, runs } = request;
  const assistant = await makeAssistant(request, carol, {});
  const thread = valueOf(await threads.create(carol, { metadata: { label: 1 } }));
  const made = await Promise.all(
    Array.from({ length: 3 }, async () =>
      valueOf(await runs.create(carol, { threadId: thread.id, assistantId: assistant.id })),
    ),
  );
  const run = made[0] ?? { id: '' };
  const metadata = { label: 1 };
  const [threadId, assistantId] = [thread.id, assistant.id];
  for (const field of ['CREATED_AT', 'UPDATED_AT', 'NAME'] as const) {
    for (const filter of [null, { ids: [assistantId] }, { graphId: 'g', nameContains: "'%" }, { metadata }]) {
      await assistants.list(carol, { filter, orderBy: { field, direction: 'ASC' } });
      await assistants.count(carol, filter);
    }
  }
  for (const field of ['CREATED_AT', 'UPDATED_AT'] as const) {
    const orderBy = { field, direction: 'DESC' } as const;
    for (const filter of [null, { ids: [threadId] }, { status: ['BUSY'] as const }, { metadata }]) {
      await threads.list(carol, { filter, orderBy });
      await threads.count(carol, filter);
    }
    for (const filter of [
      null,
      { ids: [run.id] },
      { threadId, assistantId },
      { status: ['PENDING'] as const, metadata },
      { parent: { threadId } },
      { parent: { assistantId }, metadata },
    ]) {
      const page = await runs.list(carol, { filter, orderBy, first: 1 });
      await runs.list(carol, { filter, orderBy, after: endCursor(page) });
      await runs.list(carol, { filter, orderBy, last: 1, before: startCursor(page) });
      await runs.count(carol, filter);
    }
  }
  await assistants.getMany(carol, [assistantId]);
  await runs.get(carol, run.id);
  await runs.payload(carol, run.id, 'input');
  await runs.events(carol, run.id, { after: 0, limit: 10, maxBytes: 1_000 });
  await assistants.update(carol, assistantId, { name: 'new', graphId: 'another' });
  for (const multitaskStrategy of ['REJECT', 'ROLLBACK'] as const) {
    await runs.create(carol, { threadId, assistantId, multitaskStrategy, idempotencyKey: multitaskStrategy });
  }
  const own = { assistantId, input: {}, delaySeconds: 1 };
  const delayed = valueOf(await runs.create(carol, own));
  valueOf(await runs.create(carol, { ...own, threadId: delayed.threadId, delaySeconds: 0 }));
  await runs.cancel(carol, delayed.id, 'INTERRUPT');
  await useQueue(request, carol);
  await threads.update(carol, threadId, { metadata });
  for (const { id } of made) await runs.update(carol, id, { status: 'SUCCESS' });
  await runs.delete(carol, run.id);
  await assistants.delete(carol, assistantId);
  await threads.delete(carol, threadId);
  await opened.drainNotifications();
}

/** Makes all calls of workers. */
async function useQueue({ queue, runs }: Stores, owner: Owner): Promise<void> {
  const request = { name: 'worker', graphIds: ['another'], max: 50, leaseSeconds: 30, waitSeconds: 0 };
  const claims = valueOf(await queue.claim(owner, { ...request, allOwners: true }));
  expect(claims.length).toBeGreaterThan(1);
  const [first, ...others] = claims;
  const lease = first?.lease ?? '';
  await queue.heartbeat(owner, { leases: [lease], leaseSeconds: 30, waitSeconds: 0 });
  await queue.appendEvents(owner, { lease, offset: 0, events: [{ type: 'T' }] });
  await queue.checkpoint(owner, { lease, values: {} });
  await runs.events(owner, first?.run.id ?? '', { after: 0, limit: 10, maxBytes: 1_000 });
  await queue.release(
    owner,
    others.map((claim) => claim.lease),
  );
  await queue.finish(owner, { lease, status: 'SUCCESS', retry: false });
}
