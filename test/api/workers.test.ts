import { describe, expect, it } from 'vitest';
import { type Answer, type FetchedApi, openApi, post, workerToken } from '../support/api.ts';
import { createAssistant, createThread, listAt, textAt, valueAt } from '../support/requests.ts';
import { send } from '../support/api.ts';
import { subscribe } from '../support/sse.ts';

/** Sends a request with a worker's token. */
async function work(
  api: FetchedApi,
  query: string,
  input: Record<string, unknown>,
  graphs: readonly string[] | null = null,
): Promise<Answer> {
  const body = JSON.stringify({ query, variables: { input } });
  return post(api, null, body, { authorization: `Bearer ${await workerToken('worker-1', graphs)}` });
}

const CLAIM = `mutation($input: ClaimRunsInput!) { claimRuns(input: $input) {
  claims { lease leaseSeconds owner runId threadId assistantId assistantVersion graphId attempt config context input values checkpoint resumes metadata secondsLeft }
  userErrors { code field message } } }`;
const HEARTBEAT = `mutation($input: HeartbeatRunsInput!) { heartbeatRuns(input: $input) {
  leases { lease held leaseSeconds cancel storedEvents } userErrors { code field } } }`;
const APPEND = `mutation($input: AppendRunEventsInput!) { appendRunEvents(input: $input) {
  lease { held storedEvents } userErrors { code field } } }`;
const CHECKPOINT = `mutation($input: CheckpointRunInput!) { checkpointRun(input: $input) {
  lease { held } userErrors { code field } } }`;
const FINISH = `mutation($input: FinishRunInput!) { finishRun(input: $input) {
  accepted status userErrors { code field } } }`;
const RELEASE = `mutation($input: ReleaseRunsInput!) { releaseRuns(input: $input) {
  leases { held } userErrors { code field } } }`;
const CREATE = `mutation($input: CreateRunInput!) { createRun(input: $input) {
  run { id threadId } replayed userErrors { code field } } }`;
const RUN = `query($id: ID!) { run(id: $id) { status input output error { code message details } interrupt checkpoint attempt
  worker availableAt startedAt finishedAt cancelRequestedAt events { seq attempt type data } thread { status values } } }`;

/** A run of alice's that waits for a worker. */
async function waitingRun(input: Record<string, unknown> = {}) {
  const { api, stores, subscribers } = openApi();
  const assistantId = await createAssistant(api, 'alice', { config: { model: 'small' } });
  const created = await send(api, 'alice', CREATE, { input: { assistantId, ...input } });
  return {
    api,
    stores,
    subscribers,
    assistantId,
    id: textAt(created, 'createRun', 'run', 'id'),
    threadId: textAt(created, 'createRun', 'run', 'threadId'),
  };
}

async function claimed(input: Record<string, unknown> = {}) {
  const given = await waitingRun(input);
  const answer = await work(given.api, CLAIM, { worker: 'w', graphIds: ['graph'], waitSeconds: 0 });
  return { ...given, answer, lease: textAt(answer, 'claimRuns', 'claims', 0, 'lease') };
}

describe('a worker', () => {
  it('should be given a run with all that it needs', async () => {
    const { answer, id, threadId, assistantId } = await claimed({
      input: { question: 1 },
      metadata: { key: 'value' },
      timeoutSeconds: 60,
    });
    expect(valueAt(answer, 'claimRuns')).toEqual({
      userErrors: [],
      claims: [
        {
          lease: expect.any(String),
          leaseSeconds: 30,
          owner: 'alice',
          runId: id,
          threadId,
          assistantId,
          assistantVersion: 1,
          graphId: 'graph',
          attempt: 1,
          config: { model: 'small' },
          context: {},
          input: { question: 1 },
          values: null,
          checkpoint: null,
          resumes: null,
          metadata: { owner: 'alice', key: 'value' },
          secondsLeft: 60,
        },
      ],
    });
  });

  it('should execute a run: events, a checkpoint, the end', async () => {
    const { api, id, lease } = await claimed({ input: { question: 1 } });
    const events = [{ type: 'TEXT', data: { delta: 'a' } }, { type: 'TEXT' }];
    expect(valueAt(await work(api, APPEND, { lease, offset: 0, events }), 'appendRunEvents')).toEqual({
      lease: { held: true, storedEvents: 2 },
      userErrors: [],
    });
    expect(valueAt(await work(api, CHECKPOINT, { lease, values: { half: 1 } }), 'checkpointRun')).toEqual({
      lease: { held: true },
      userErrors: [],
    });
    const during = await send(api, 'alice', RUN, { id });
    expect(valueAt(during, 'run')).toMatchObject({
      status: 'RUNNING',
      checkpoint: { half: 1 },
      output: null,
      attempt: 1,
      worker: 'w',
      availableAt: null,
      thread: { status: 'BUSY', values: null },
    });
    expect(
      valueAt(await work(api, FINISH, { lease, status: 'SUCCESS', output: { answer: 2 } }), 'finishRun'),
    ).toEqual({ accepted: true, status: 'SUCCESS', userErrors: [] });
    expect(valueAt(await send(api, 'alice', RUN, { id }), 'run')).toMatchObject({
      status: 'SUCCESS',
      input: { question: 1 },
      output: { answer: 2 },
      worker: null,
      thread: { status: 'IDLE', values: { answer: 2 } },
      events: [
        { seq: 1, type: 'RUN_STARTED', data: { runId: id, attempt: 1 } },
        { seq: 2, type: 'TEXT', data: { delta: 'a' } },
        { seq: 3, type: 'TEXT', data: {} },
        { seq: 4, type: 'RUN_FINISHED', data: { runId: id, status: 'SUCCESS' } },
      ],
    });
  });

  it('should be told which field of the end is wrong, and nothing is stored', async () => {
    const { api, lease, id } = await claimed();
    const answer = await work(api, FINISH, {
      lease,
      status: 'ERROR',
      output: {},
      error: { code: ' ', message: 'm' },
    });
    expect(valueAt(answer, 'finishRun')).toEqual({
      accepted: false,
      status: null,
      userErrors: [
        { code: 'INVALID', field: ['input', 'output'] },
        { code: 'INVALID', field: ['input', 'error', 'code'] },
      ],
    });
    expect(valueAt(await send(api, 'alice', RUN, { id }), 'run', 'status')).toBe('RUNNING');
  });

  it('should be told which event is wrong', async () => {
    const { api, lease } = await claimed();
    const events = [{ type: 'TEXT' }, { type: '' }, { type: 'TEXT', data: null }];
    expect(valueAt(await work(api, APPEND, { lease, offset: 0, events }), 'appendRunEvents')).toEqual({
      lease: null,
      userErrors: [
        { code: 'INVALID', field: ['input', 'events', '1', 'type'] },
        { code: 'INVALID', field: ['input', 'events', '2', 'data'] },
      ],
    });
  });

  it('should claim only the graphs that its token allows', async () => {
    const { api } = await waitingRun();
    const input = { worker: 'w', graphIds: ['graph'], waitSeconds: 0 };
    expect(listAt(await work(api, CLAIM, input, ['other']), 'claimRuns', 'claims')).toHaveLength(0);
    expect(listAt(await work(api, CLAIM, input, []), 'claimRuns', 'claims')).toHaveLength(0);
    expect(listAt(await work(api, CLAIM, input, ['graph']), 'claimRuns', 'claims')).toHaveLength(1);
  });

  it('should get the runs of its own owner alone with a token of another kind', async () => {
    const { api } = await waitingRun();
    const input = { worker: 'w', graphIds: ['graph'], waitSeconds: 0 };
    expect(listAt(await send(api, 'bob', CLAIM, { input }), 'claimRuns', 'claims')).toHaveLength(0);
    expect(listAt(await send(api, 'alice', CLAIM, { input }), 'claimRuns', 'claims')).toHaveLength(1);
  });

  it('should not use the lease of another', async () => {
    const { api, lease, id } = await claimed();
    const input = { lease, status: 'SUCCESS' };
    const lost = { lease, held: false, leaseSeconds: 0, cancel: null, storedEvents: 0 };
    for (const as of ['alice', 'bob']) {
      expect(valueAt(await send(api, as, FINISH, { input }), 'finishRun')).toEqual({
        accepted: false,
        status: null,
        userErrors: [],
      });
      const beat = await send(api, as, HEARTBEAT, { input: { leases: [lease] } });
      expect(valueAt(beat, 'heartbeatRuns', 'leases')).toEqual([lost]);
    }
    expect(valueAt(await send(api, 'alice', RUN, { id }), 'run', 'status')).toBe('RUNNING');
  });

  it.each([
    [
      CLAIM,
      'claimRuns',
      { worker: ' ', graphIds: [], max: 51, leaseSeconds: 4, waitSeconds: 11 },
      ['worker', 'max', 'leaseSeconds', 'waitSeconds'],
    ],
    [
      HEARTBEAT,
      'heartbeatRuns',
      { leases: [], leaseSeconds: 301, waitSeconds: -1 },
      ['leaseSeconds', 'waitSeconds'],
    ],
  ] as const)('should be told which number is out of range: %#', async (query, mutation, input, keys) => {
    const { api } = openApi();
    expect(valueAt(await work(api, query, input), mutation, 'userErrors')).toMatchObject(
      keys.map((key) => ({ code: 'INVALID', field: ['input', key] })),
    );
  });

  it('should not be given lists that are too long', async () => {
    const { api } = openApi();
    const leases = Array.from({ length: 101 }, () => 'x');
    for (const [query, input] of [
      [CLAIM, { worker: 'w', graphIds: leases, waitSeconds: 0 }],
      [HEARTBEAT, { leases }],
      [RELEASE, { leases }],
    ] as const) {
      const { body } = await work(api, query, input);
      expect(body.errors?.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
    }
  });
});

describe('a call that waits', () => {
  it('should give a run to a claim that waits, as soon as it is created', async () => {
    const { api } = openApi();
    const assistantId = await createAssistant(api, 'alice');
    const claims = Array.from({ length: 3 }, () => work(api, CLAIM, { worker: 'w', graphIds: ['graph'] }));
    const ids: string[] = [];
    for (const _ of claims) {
      const created = await send(api, 'alice', CREATE, { input: { assistantId } });
      ids.push(textAt(created, 'createRun', 'run', 'id'));
    }
    const given = await Promise.all(claims);
    expect(given.map((answer) => textAt(answer, 'claimRuns', 'claims', 0, 'runId')).toSorted()).toEqual(
      ids.toSorted(),
    );
  });

  it('should tell a heartbeat that waits of a cancellation', async () => {
    const { api, lease, id } = await claimed();
    const beat = work(api, HEARTBEAT, { leases: [lease], waitSeconds: 10 });
    const cancel =
      'mutation($input: CancelRunInput!) { cancelRun(input: $input) { run { status cancelRequestedAt } } }';
    const cancelled = await send(api, 'alice', cancel, { input: { id, action: 'ROLLBACK' } });
    expect(valueAt(cancelled, 'cancelRun', 'run')).toEqual({
      status: 'RUNNING',
      cancelRequestedAt: expect.any(String),
    });
    expect(valueAt(await beat, 'heartbeatRuns', 'leases')).toMatchObject([
      { held: true, cancel: 'ROLLBACK' },
    ]);
  });

  it('should answer a heartbeat early with leases of the length that it asks for', async () => {
    const { api, lease, id } = await claimed();
    const beat = work(api, HEARTBEAT, { leases: [lease, 'lost'], leaseSeconds: 5, waitSeconds: 10 });
    expect(valueAt(await beat, 'heartbeatRuns', 'leases')).toMatchObject([
      { held: true, leaseSeconds: 5 },
      { held: false },
    ]);
    const later = work(api, HEARTBEAT, { leases: [lease], leaseSeconds: 5, waitSeconds: 10 });
    await send(api, 'alice', 'mutation($id: ID!) { cancelRun(input: { id: $id }) { run { id } } }', { id });
    expect(valueAt(await later, 'heartbeatRuns', 'leases')).toMatchObject([
      { held: true, leaseSeconds: 5, cancel: 'INTERRUPT' },
    ]);
  });

  it('should answer a wait for the end of a run once it has ended', async () => {
    const { api, lease, id } = await claimed();
    const wait = send(api, 'alice', 'query($id: ID!) { waitForRun(id: $id) { status output } }', { id });
    await work(api, FINISH, { lease, status: 'SUCCESS', output: { a: 1 } });
    expect(valueAt(await wait, 'waitForRun')).toEqual({ status: 'SUCCESS', output: { a: 1 } });
  });

  it('should answer at once for a run that is not there, and refuse seconds out of range', async () => {
    const { api } = openApi();
    const query = 'query($seconds: Int!) { waitForRun(id: "x", seconds: $seconds) { id } }';
    expect((await send(api, 'alice', query, { seconds: 10 })).body).toEqual({ data: { waitForRun: null } });
    for (const seconds of [-1, 11]) {
      const { body } = await send(api, 'alice', query, { seconds });
      expect(body.errors?.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
    }
  });
});

describe('the events of a run', () => {
  const EVENTS = `subscription($id: ID!, $after: Int!) { runEvents(runId: $id, after: $after) {
    events { seq type data } last missedUpTo status done } }`;

  it('should be sent from the first on, then as they come, until the run has ended', async () => {
    const { api, lease, id } = await claimed();
    await work(api, APPEND, { lease, offset: 0, events: [{ type: 'A' }] });
    const stream = await subscribe(api, 'alice', EVENTS, { id, after: 0 });
    const seen: number[] = [];
    const first = await stream.next();
    expect(first?.data?.data).toMatchObject({ runEvents: { last: 2, status: 'RUNNING', done: false } });
    await work(api, APPEND, { lease, offset: 1, events: [{ type: 'B' }, { type: 'C' }] });
    await work(api, FINISH, { lease, status: 'SUCCESS' });
    for (const { data } of await stream.rest()) {
      const batch: { runEvents?: { events: { seq: number }[] } } = Object(data?.data);
      seen.push(...(batch.runEvents?.events ?? []).map(({ seq }) => seq));
    }
    expect(seen).toEqual([3, 4, 5]);
  });

  it('should come to each reader as its document and variables ask for them', async () => {
    const { api, lease, id } = await claimed();
    const typed = `subscription($id: ID!, $after: Int!, $typed: Boolean!) { runEvents(runId: $id, after: $after) {
      events { seq type @include(if: $typed) } } }`;
    const aliased = 'subscription($id: ID!) { runEvents(runId: $id) { all: events { place: seq } } }';
    const asked: readonly (readonly [string, Record<string, unknown>])[] = [
      [typed, { id, after: 0, typed: true }],
      [typed, { id, after: 0, typed: true }],
      [typed, { id, after: 0, typed: false }],
      [typed, { id, after: 2, typed: true }],
      [aliased, { id }],
    ];
    const streams = [];
    for (const [document, variables] of asked) {
      const stream = await subscribe(api, 'alice', document, variables);
      await stream.next();
      streams.push(stream);
    }
    await work(api, APPEND, { lease, offset: 0, events: [{ type: 'A' }, { type: 'B' }] });
    const batches = await Promise.all(streams.map(async (stream) => (await stream.next())?.data?.data));
    const [a, b] = [
      { seq: 2, type: 'A' },
      { seq: 3, type: 'B' },
    ];
    expect(batches).toEqual([
      { runEvents: { events: [a, b] } },
      { runEvents: { events: [a, b] } },
      { runEvents: { events: [{ seq: 2 }, { seq: 3 }] } },
      { runEvents: { events: [b] } },
      { runEvents: { all: [{ place: 2 }, { place: 3 }] } },
    ]);
    await work(api, FINISH, { lease, status: 'SUCCESS' });
    for (const stream of streams) await stream.rest();
  });

  it('should go on from where a reader left', async () => {
    const { api, lease, id } = await claimed();
    await work(api, APPEND, { lease, offset: 0, events: [{ type: 'A' }, { type: 'B' }] });
    await work(api, FINISH, { lease, status: 'SUCCESS' });
    const stream = await subscribe(api, 'alice', EVENTS, { id, after: 2 });
    const events = (await stream.rest()).map(({ data }) => data?.data);
    expect(events[0]).toMatchObject({
      runEvents: { events: [{ seq: 3 }, { seq: 4 }], last: 4, status: 'SUCCESS', done: true },
    });
  });

  it('should be complete at once for a run of another', async () => {
    const { api, id } = await claimed();
    const stream = await subscribe(api, 'bob', EVENTS, { id, after: 0 });
    expect((await stream.rest()).map(({ event }) => event)).toEqual(['complete']);
  });

  it('should be complete without events when a run ends that no worker had', async () => {
    const { api, id } = await waitingRun();
    const stream = await subscribe(api, 'alice', EVENTS, { id, after: 0 });
    expect((await stream.next())?.data?.data).toMatchObject({
      runEvents: { events: [], last: 0, status: 'PENDING', done: false },
    });
    await send(api, 'alice', 'mutation($id: ID!) { cancelRun(input: { id: $id }) { run { status } } }', {
      id,
    });
    const [last] = await stream.rest();
    expect(last?.data?.data).toMatchObject({
      runEvents: { events: [], last: 0, status: 'CANCELLED', done: true },
    });
  });

  it('should not be more than fits: a long run is sent in parts', async () => {
    const { api, lease, id } = await claimed();
    const data = { text: 'x'.repeat(5_000) };
    for (let offset = 0; offset < 1_000; offset += 100) {
      const events = Array.from({ length: 100 }, () => ({ type: 'A', data }));
      await work(api, APPEND, { lease, offset, events });
    }
    await work(api, FINISH, { lease, status: 'SUCCESS' });
    const stream = await subscribe(api, 'alice', EVENTS, { id, after: 0 });
    const batches = (await stream.rest()).flatMap((event) => {
      const batch: { runEvents?: { events: { seq: number }[] } } = Object(event.data?.data);
      return batch.runEvents === undefined ? [] : [batch.runEvents.events.map(({ seq }) => seq)];
    });
    expect(batches.length).toBeGreaterThan(5);
    expect(batches.flat()).toEqual(Array.from({ length: 1_002 }, (_, index) => index + 1));
  });

  it('should be refused from a negative place on, and more than 1,000 of them', async () => {
    const { api, id } = await waitingRun();
    for (const args of ['after: -1', 'first: -1', 'first: 1001']) {
      const { body } = await send(
        api,
        'alice',
        `query($id: ID!) { run(id: $id) { events(${args}) { seq } } }`,
        { id },
      );
      expect(body.errors?.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
    }
  });
});

describe('a run that is created', () => {
  it('should get a thread of its own without one', async () => {
    const { api, threadId } = await waitingRun();
    const answer = await send(api, 'alice', 'query($id: ID!) { thread(id: $id) { status } }', {
      id: threadId,
    });
    expect(valueAt(answer, 'thread', 'status')).toBe('BUSY');
  });

  it('should be created once for each key', async () => {
    const { api, assistantId } = await waitingRun();
    const threadId = await createThread(api, 'alice');
    const input = { assistantId, threadId, idempotencyKey: 'k', input: { a: 1, b: 2 } };
    const first = await send(api, 'alice', CREATE, { input });
    const again = await send(api, 'alice', CREATE, { input: { ...input, input: { b: 2, a: 1 } } });
    const other = await send(api, 'alice', CREATE, { input: { ...input, input: { a: 2 } } });
    expect(valueAt(first, 'createRun')).toMatchObject({ replayed: false });
    expect(valueAt(again, 'createRun')).toEqual({
      run: valueAt(first, 'createRun', 'run'),
      replayed: true,
      userErrors: [],
    });
    expect(valueAt(other, 'createRun')).toEqual({
      run: null,
      replayed: false,
      userErrors: [{ code: 'CONFLICT', field: ['input', 'idempotencyKey'] }],
    });
  });
});
