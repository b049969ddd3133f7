import { describe, expect, it } from 'vitest';
import { createWaits } from '../../src/subscriptions/waits.ts';
import {
  type Answer,
  type FetchedApi,
  openApi,
  post,
  send,
  type TestParts,
  workerToken,
} from '../support/api.ts';
import { createAssistant, createThread, listAt, textAt, valueAt } from '../support/requests.ts';
import { subscribe } from '../support/sse.ts';

const UNKNOWN = '0123456789abcdef0123456789abcdef';
const CREATE = `mutation($input: CreateRunInput!) { createRun(input: $input) {
  run { id threadId } replayed userErrors { code field message } } }`;
const CLAIM = `mutation($input: ClaimRunsInput!) { claimRuns(input: $input) {
  claims { lease owner runId input values } userErrors { code field } } }`;
/** All that a worker does with a lease. */
const WITH_LEASE = [
  `mutation($lease: String!) { heartbeatRuns(input: {leases: [$lease]}) {
    leases { held leaseSeconds cancel storedEvents } userErrors { code message field } } }`,
  `mutation($lease: String!) { appendRunEvents(input: {lease: $lease, offset: 0, events: [{type: "A"}]}) {
    lease { held leaseSeconds cancel storedEvents } userErrors { code message field } } }`,
  `mutation($lease: String!) { appendRunEvents(input: {lease: $lease, offset: 9, events: []}) {
    lease { held leaseSeconds cancel storedEvents } userErrors { code message field } } }`,
  `mutation($lease: String!) { checkpointRun(input: {lease: $lease, values: {a: 1}}) {
    lease { held leaseSeconds cancel storedEvents } userErrors { code message field } } }`,
  `mutation($lease: String!) { finishRun(input: {lease: $lease, status: SUCCESS}) {
    accepted status userErrors { code message field } } }`,
  `mutation($lease: String!) { releaseRuns(input: {leases: [$lease]}) {
    leases { held leaseSeconds cancel storedEvents } userErrors { code message field } } }`,
];

/** Sends a request with a worker's token. */
async function work(
  api: FetchedApi,
  name: string,
  query: string,
  variables: Record<string, unknown>,
): Promise<Answer> {
  const authorization = `Bearer ${await workerToken(name)}`;
  return post(api, null, JSON.stringify({ query, variables }), { authorization });
}

/** Alice's and bob's runs of one graph, two of each, which wait for workers. */
async function given(parts: TestParts = {}) {
  const opened = openApi(parts);
  const { api } = opened;
  const own = async (as: string) => {
    const assistantId = await createAssistant(api, as);
    const threadId = await createThread(api, as);
    const runs: string[] = [];
    for (const thread of [threadId, null]) {
      const input = { assistantId, threadId: thread, input: { of: as } };
      runs.push(textAt(await send(api, as, CREATE, { input }), 'createRun', 'run', 'id'));
    }
    return { assistantId, threadId, runs };
  };
  return { ...opened, alice: await own('alice'), bob: await own('bob') };
}

function wanted(others: Record<string, unknown> = {}) {
  return { input: { worker: 'w', graphIds: ['graph'], max: 50, waitSeconds: 0, ...others } };
}

/** The answer of a request, as the worker's own owner and by an unknown id. */
const OF_A_RUN = [
  'query($id: ID!) { run(id: $id) { id input output checkpoint events { seq } } }',
  'query($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }',
  'query($id: ID!) { waitForRun(id: $id, seconds: 0) { id status } }',
  'query($id: ID!) { runs(filter: {ids: [$id]}) { totalCount nodes { id } } }',
  'mutation($id: ID!) { updateRun(input: {id: $id, status: SUCCESS}) { run { id } userErrors { code } } }',
  'mutation($id: ID!) { cancelRun(input: {id: $id}) { run { id } userErrors { code } } }',
  'mutation($id: ID!) { deleteRun(id: $id) { success run { id } userErrors { code } } }',
];

describe('an idempotency key', () => {
  it.each([
    ['createAssistant', '{graphId: "g", idempotencyKey: "k", metadata: {of: "OWNER"}}', 'assistant'],
    ['createThread', '{idempotencyKey: "k", metadata: {of: "OWNER"}}', 'thread'],
    ['createRun', '{assistantId: "ASSISTANT", idempotencyKey: "k", metadata: {of: "OWNER"}}', 'run'],
  ])('should be of one owner alone: %s', async (mutation, input, field) => {
    const { api, alice, bob } = await given();
    const create = (as: string, assistantId: string) =>
      send(
        api,
        as,
        `mutation { ${mutation}(input: ${input.replace('OWNER', as).replace('ASSISTANT', assistantId)}) {
          ${field} { id metadata } replayed userErrors { code } } }`,
      );
    const ids = new Set<string>();
    for (const [as, { assistantId }] of [
      ['alice', alice],
      ['bob', bob],
    ] as const) {
      const first = await create(as, assistantId);
      // Neither a replay nor a conflict with what the other owner has made with it.
      expect(valueAt(first, mutation)).toMatchObject({
        [field]: { metadata: { owner: as, of: as } },
        replayed: false,
        userErrors: [],
      });
      const again = await create(as, assistantId);
      expect(valueAt(again, mutation)).toMatchObject({
        [field]: valueAt(first, mutation, field),
        replayed: true,
      });
      ids.add(textAt(first, mutation, field, 'id'));
    }
    expect(ids.size).toBe(2);
  });
});

describe("a claim by a token that is no worker's", () => {
  it('should get the runs of its own owner alone, however often it asks', async () => {
    const { api, alice } = await given();
    const { body } = await send(api, 'alice', CLAIM, wanted());
    expect(body).toMatchObject({
      data: {
        claimRuns: { claims: alice.runs.map((runId) => ({ runId, owner: 'alice', input: { of: 'alice' } })) },
      },
    });
    for (const as of ['alice', 'carol', 'worker']) {
      expect(listAt(await send(api, as, CLAIM, wanted()), 'claimRuns', 'claims')).toEqual([]);
    }
  });

  it('should wait for those of its own owner alone', async () => {
    const waits = createWaits();
    const { api, alice } = await given({ waits });
    const waiting = ['carol', 'dave'].map((as) => send(api, as, CLAIM, wanted({ waitSeconds: 10 })));
    const input = { assistantId: alice.assistantId };
    await send(api, 'alice', CREATE, { input });
    const own = await createAssistant(api, 'carol');
    const created = await send(api, 'carol', CREATE, { input: { assistantId: own } });
    const [carol, dave] = waiting;
    expect(listAt(existing(await carol), 'claimRuns', 'claims')).toMatchObject([
      { owner: 'carol', runId: textAt(created, 'createRun', 'run', 'id') },
    ]);
    void waits.close();
    expect(listAt(existing(await dave), 'claimRuns', 'claims')).toEqual([]);
    expect(listAt(await send(api, 'alice', CLAIM, wanted()), 'claimRuns', 'claims')).toHaveLength(3);
  });
});

describe("a worker's token", () => {
  it('should be given runs of all owners, and reach nothing of theirs but by its leases', async () => {
    const { api, alice, bob } = await given();
    const claimed = await work(api, 'worker', CLAIM, wanted());
    const ids = [...alice.runs, ...bob.runs];
    const claims = listAt(claimed, 'claimRuns', 'claims');
    expect(
      claims.map((_, index) => textAt(claimed, 'claimRuns', 'claims', index, 'runId')).toSorted(),
    ).toEqual(ids.toSorted());
    for (const document of OF_A_RUN) {
      const unknown = await work(api, 'worker', document, { id: UNKNOWN });
      expect(unknown.body.errors).toBeUndefined();
      for (const id of [...ids, alice.threadId, alice.assistantId]) {
        expect([document, (await work(api, 'worker', document, { id })).text]).toEqual([
          document,
          unknown.text,
        ]);
      }
    }
    const all = '{ assistants { totalCount } threads { totalCount } runs { totalCount } }';
    const none = { totalCount: 0 };
    expect((await work(api, 'worker', all, {})).body.data).toEqual({
      assistants: none,
      threads: none,
      runs: none,
    });
    for (const runId of ids) {
      const authorization = `Bearer ${await workerToken('worker')}`;
      const document = 'subscription($id: ID!) { runEvents(runId: $id) { last } }';
      const stream = await subscribe(api, null, document, { id: runId }, { authorization });
      expect(await stream.rest()).toEqual([{ event: 'complete', data: null }]);
    }
  });

  it('should be an owner like any other in all that it creates', async () => {
    const { api } = await given();
    const create =
      'mutation { createThread(input: {metadata: {owner: "alice"}}) { thread { id metadata } } }';
    const created = await work(api, 'worker', create, {});
    expect(valueAt(created, 'createThread', 'thread', 'metadata')).toEqual({ owner: 'worker' });
    const id = textAt(created, 'createThread', 'thread', 'id');
    const query = 'query($id: ID!) { thread(id: $id) { id } }';
    expect(valueAt(await send(api, 'alice', query, { id }), 'thread')).toBeNull();
    // Without the scope it is the same owner.
    expect(valueAt(await send(api, 'worker', query, { id }), 'thread')).toEqual({ id });
  });

  it('should not let it create a run of what is not its own', async () => {
    const { api, alice } = await given();
    const ids = { threadId: alice.threadId, assistantId: alice.assistantId };
    const foreign = await work(api, 'worker', CREATE, { input: ids });
    const unknown = await work(api, 'worker', CREATE, { input: { threadId: UNKNOWN, assistantId: UNKNOWN } });
    expect(foreign.text).toBe(unknown.text);
    expect(foreign.text).toContain('NOT_FOUND');
  });
});

describe('a lease', () => {
  it('should be good for the worker that it was given to alone, and for others be as a made-up one', async () => {
    const { api, alice } = await given();
    const claimed = await work(api, 'worker-1', CLAIM, wanted({ max: 1 }));
    const lease = textAt(claimed, 'claimRuns', 'claims', 0, 'lease');
    const run = textAt(claimed, 'claimRuns', 'claims', 0, 'runId');
    expect(alice.runs).toContain(run);
    for (const document of WITH_LEASE) {
      const madeUp = await work(api, 'worker-2', document, { lease: 'made up' });
      expect(madeUp.body.errors).toBeUndefined();
      expect(madeUp.text).toMatch(/"held":false|"accepted":false,"status":null/);
      const others = [
        await work(api, 'worker-2', document, { lease }),
        await send(api, 'alice', document, { lease }),
        await send(api, 'bob', document, { lease }),
        // Changed in its name of the owner, the run, the claim, or its signature.
        ...(await Promise.all(
          [0, 5, Math.floor(lease.length / 2), lease.length - 5].map((at) =>
            work(api, 'worker-1', document, { lease: altered(lease, at) }),
          ),
        )),
      ];
      for (const { text } of others) expect([document, text]).toEqual([document, madeUp.text]);
    }
    // Nothing of all that has been done.
    const query = 'query($id: ID!) { run(id: $id) { status attempt checkpoint events { type } } }';
    expect(valueAt(await send(api, 'alice', query, { id: run }), 'run')).toEqual({
      status: 'RUNNING',
      attempt: 1,
      checkpoint: null,
      events: [{ type: 'RUN_STARTED' }],
    });
    // The same worker without the scope of all owners is the same owner, and the lease is its own.
    const beat = await send(api, 'worker-1', WITH_LEASE[0] ?? '', { lease });
    expect(valueAt(beat, 'heartbeatRuns', 'leases')).toMatchObject([{ held: true }]);
  });

  it('should tell nothing after the run was given to another worker', async () => {
    const { api, alice } = await given();
    const first = textAt(
      await work(api, 'worker-1', CLAIM, wanted({ max: 1 })),
      'claimRuns',
      'claims',
      0,
      'lease',
    );
    await work(api, 'worker-1', WITH_LEASE.at(-1) ?? '', { lease: first });
    const again = await work(api, 'worker-2', CLAIM, wanted());
    expect(listAt(again, 'claimRuns', 'claims')).toHaveLength(4);
    const before = await send(
      api,
      'alice',
      '{ runs { nodes { status attempt checkpoint events { seq type } } } }',
    );
    for (const document of WITH_LEASE) {
      const { text } = await work(api, 'worker-1', document, { lease: first });
      expect(text).toMatch(/"held":false,"leaseSeconds":0,"cancel":null,"storedEvents":0|"accepted":false/);
    }
    const after = await send(
      api,
      'alice',
      '{ runs { nodes { status attempt checkpoint events { seq type } } } }',
    );
    expect(after.text).toBe(before.text);
    expect(alice.runs).toHaveLength(2);
  });
});

function altered(text: string, at: number): string {
  return `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
}

function existing<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('There is none.');
  return value;
}
