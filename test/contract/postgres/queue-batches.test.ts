import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { asOwner, type Owner } from '../../../src/store/owner.ts';
import { openPostgresStores, type PostgresStores } from '../../../src/store/postgres/stores.ts';
import type { Claim, EndResult } from '../../../src/store/queue.ts';
import type { Run } from '../../../src/store/records.ts';
import { openApi, post, workerToken } from '../../support/api.ts';
import { valueOf } from '../../support/bench.ts';
import { HOUR } from '../../support/hour.ts';
import { connected } from '../../support/postgres/admin.ts';
import { configFor } from '../../support/postgres/config.ts';
import { createMigratedDatabase, type TestDatabase } from '../../support/postgres/database.ts';
import { makeAssistant } from '../../support/records.ts';
import { valueAt } from '../../support/requests.ts';
import { type Sent, type Spy, spyOn, transactionsOf } from './spy.ts';

const [alice, bob, worker] = [asOwner('alice'), asOwner('bob'), asOwner('worker')];
const OWNERS: ReadonlySet<string> = new Set([alice, bob]);
const REQUEST = { allOwners: true, name: 'w', graphIds: ['graph'], leaseSeconds: 30, waitSeconds: 0 };
const QUIET = { heartbeatInterval: 3_600_000, heartbeatTimeout: 3_600_000 };

let database: TestDatabase;
let spy: Spy;
let stores: PostgresStores;
let assistantIds: ReadonlyMap<Owner, string>;

beforeAll(async () => {
  database = await createMigratedDatabase();
  spy = await spyOn(database.url);
  // Nothing is sent but what is sent for calls, and for notifications of events.
  stores = await openPostgresStores(configFor(spy.url), {
    hasSubscribers: () => false,
    listenerTimes: QUIET,
    sweepInterval: null,
  });
  const made = [alice, bob].map(async (owner) => {
    const { id } = await makeAssistant(stores.forRequest(), owner, { graphId: 'graph' });
    return [owner, id] as const;
  });
  assistantIds = new Map(await Promise.all(made));
});

afterAll(async () => {
  await stores.close();
  await spy.close();
  await database.drop();
});

beforeEach(async () => {
  await connected(database.adminUrl, async (sql) => {
    await sql`TRUNCATE agent_graphql.runs, agent_graphql.threads, agent_graphql.executions, agent_graphql.run_payloads,
      agent_graphql.run_events`;
  });
  await stores.drainNotifications();
  spy.clear();
});

async function makeRun(owner: Owner, input = {}): Promise<Run> {
  const assistantId = assistantIds.get(owner) ?? '';
  return valueOf(await stores.forRequest().runs.create(owner, { assistantId, ...input }));
}

function makeRuns(owner: Owner, count: number, input = {}): Promise<readonly Run[]> {
  return Promise.all(Array.from({ length: count }, () => makeRun(owner, input)));
}

async function claim(max: number): Promise<readonly Claim[]> {
  return valueOf(await stores.forRequest().queue.claim(worker, { ...REQUEST, max }));
}

async function finish(claimed: Claim | undefined): Promise<EndResult> {
  const end = { lease: claimed?.lease ?? '', status: 'SUCCESS', output: { a: 1 }, retry: false } as const;
  return valueOf(await stores.forRequest().queue.finish(worker, end));
}

/** What was sent since the spy was cleared, transaction by transaction, without notifications of events. */
function sentTransactions(): readonly (readonly Sent[])[] {
  return transactionsOf(spy.sent).filter((sent) =>
    sent.some(({ text }) => text.includes('agent_graphql.executions')),
  );
}

describe('calls at the same time', () => {
  it('should share transactions, each of one owner', async () => {
    const runs = await Promise.all([makeRuns(alice, 20), makeRuns(bob, 20)]);
    expect(sentTransactions()).toHaveLength(2);
    for (const sent of sentTransactions()) {
      const owners = new Set(
        sent.flatMap(({ params }) => params).filter((param) => param === 'alice' || param === 'bob'),
      );
      expect(owners.size).toBe(1);
    }
    const created = runs.map((ofOwner) => ofOwner.map(({ createdAt, id }) => `${createdAt} ${id}`));
    expect(created.map((ofOwner) => ofOwner.toSorted())).toStrictEqual(created);
    const claims = await claim(50);
    expect(claims).toHaveLength(40);
    spy.clear();
    const ends = await Promise.all(claims.map(finish));
    expect(ends).toStrictEqual(claims.map(() => ({ accepted: true, status: 'SUCCESS' })));
    expect(sentTransactions()).toHaveLength(2);
    for (const { owner, run } of claims) {
      const { threads, runs: read } = stores.forRequest();
      expect(await threads.get(owner, run.threadId)).toMatchObject({ status: 'IDLE', valuesRunId: run.id });
      expect(await read.events(owner, run.id, { after: 0, limit: 10, maxBytes: 10_000 })).toMatchObject({
        lastSeq: 2,
      });
    }
  });

  it('should share a transaction where one request makes them', async () => {
    await makeRuns(alice, 10);
    const claims = await claim(10);
    spy.clear();
    const { api } = openApi({ stores: stores.forRequest() });
    const ends = claims.map(
      ({ lease }, index) =>
        `end${index}: finishRun(input: { lease: ${JSON.stringify(lease)}, status: SUCCESS }) { accepted }`,
    );
    const body = JSON.stringify({ query: `mutation { ${ends.join(' ')} }` });
    const answer = await post(api, null, body, { authorization: `Bearer ${await workerToken('worker')}` });
    for (const index of claims.keys()) expect(valueAt(answer, `end${index}`, 'accepted')).toBe(true);
    expect(sentTransactions()).toHaveLength(1);
  });

  it('should each have their own answer', async () => {
    const [assistantId, unknown] = [assistantIds.get(alice) ?? '', '0'.repeat(32)];
    const { runs } = stores.forRequest();
    const outcomes = await Promise.all(
      [assistantId, unknown, bob, assistantId].map(async (id) => runs.create(alice, { assistantId: id })),
    );
    expect(outcomes).toMatchObject([
      { value: { status: 'PENDING' } },
      { refusals: [{ code: 'NOT_FOUND', key: 'assistantId' }] },
      { refusals: [{ code: 'NOT_FOUND', key: 'assistantId' }] },
      { value: { status: 'PENDING' } },
    ]);
    const [one, two] = await claim(2);
    await finish(two);
    const error = { code: 'E', message: 'another end' };
    const { queue } = stores.forRequest();
    const ends = await Promise.all([
      finish(one),
      finish(one),
      finish(two),
      queue.finish(worker, { lease: two?.lease ?? '', status: 'ERROR', error, retry: false }),
    ]);
    const accepted = { accepted: true, status: 'SUCCESS' };
    expect(ends).toStrictEqual([
      accepted,
      accepted,
      accepted,
      { value: { accepted: false, status: 'SUCCESS' } },
    ]);
  });

  it('should not wait for a run that another transaction has locked', async () => {
    await makeRuns(alice, 3);
    const claims = await claim(3);
    await connected(database.adminUrl, async (sql) => {
      let ended = false;
      const waiting = await sql.begin(async (tx) => {
        await tx`SELECT FROM agent_graphql.threads WHERE id = ${claims[0]?.run.threadId ?? ''} FOR UPDATE`;
        const [first, ...others] = claims.map(finish);
        void first?.then(() => (ended = true));
        expect(await Promise.all(others)).toMatchObject([{ accepted: true }, { accepted: true }]);
        expect(ended).toBe(false);
        return [first];
      });
      expect(await waiting[0]).toMatchObject({ accepted: true });
    });
  });
});

describe('the plans of a connection', () => {
  it('should be discarded after a while: tables have grown', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const discarded = () => spy.sent.filter(({ text }) => text === 'DISCARD PLANS').length;
      await claim(1);
      spy.clear();
      await claim(1);
      expect(discarded()).toBe(0);
      vi.advanceTimersByTime(HOUR);
      await claim(1);
      await claim(1);
      expect(discarded()).toBe(1);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a claim', () => {
  it('should take as many statements for fifty runs of an owner as for one', async () => {
    await makeRuns(alice, 51, { input: { a: 1 } });
    spy.clear();
    expect(await claim(1)).toHaveLength(1);
    const forOne = sentTransactions()
      .flat()
      .map(({ text }) => text);
    spy.clear();
    expect(await claim(50)).toHaveLength(50);
    expect(
      sentTransactions()
        .flat()
        .map(({ text }) => text),
    ).toStrictEqual(forOne);
  });

  it('should read the runs of the owner that was announced last with the statement that takes runs', async () => {
    await makeRun(alice);
    expect(await claim(1)).toMatchObject([{ owner: 'alice' }]);
    await makeRun(bob);
    await makeRun(alice);
    // It is bob's turn: what is read first are the runs of alice, of which none is taken.
    for (const [owner, readOf] of [
      ['bob', ['alice', 'bob']],
      // Nobody is expected after that.
      ['alice', ['alice']],
    ] as const) {
      spy.clear();
      expect(await claim(1)).toMatchObject([{ owner }]);
      const locks = spy.sent.filter(({ text }) => /FROM agent_graphql.threads .*SKIP LOCKED/.test(text));
      expect(locks.map(({ params }) => params.find((param) => OWNERS.has(param ?? '')))).toStrictEqual(
        readOf,
      );
    }
  });

  it('should read no payloads of runs that do not fit into an answer', async () => {
    await makeRuns(alice, 12, { input: { text: 'x'.repeat(500_000) } });
    spy.clear();
    const claims = await claim(12);
    expect(claims).toHaveLength(9);
    const reads = spy.sent.filter(({ text }) => /SELECT wanted.id, own.input/.test(text));
    const [read] = reads.map(({ params }) => params.join(' '));
    expect(reads).toHaveLength(1);
    const ids = new Set(claims.map(({ run }) => run.id));
    expect(new Set(read?.match(/[0-9a-f]{32}/g))).toStrictEqual(ids);
    expect(await claim(12)).toHaveLength(3);
  });
});
