import { EventEmitter, once } from 'node:events';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { REQUEST_TIME } from '../../../src/limits.ts';
import { openApi, send, tokenFor } from '../../support/api.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { HOUR } from '../../support/hour.ts';
import { createAssistant, createRun, createThread } from '../../support/requests.ts';
import { subscribe } from '../../support/sse.ts';
import { request } from '../request.ts';
import { refusalOf, refused } from './refusal.ts';

/** Milliseconds that requests may run here. */
const SOON = 20;

/** An API with a thread and a run, whose store of threads answers by promises, and only when it is told to. */
async function openSlowApi(requestTime: number | null = HOUR) {
  const { stores, changes, api: fast } = openApi();
  const threadId = await createThread(fast, 'alice');
  const assistantId = await createAssistant(fast, 'alice');
  await createRun(fast, 'alice', threadId, assistantId);

  const calls: string[] = [];
  const gate = deferred();
  const called = deferred();
  async function wait<T>(call: string, work: () => T): Promise<Awaited<T>> {
    calls.push(call);
    called.resolve();
    await gate.promise;
    return await work();
  }
  const { api, logged } = openApi({
    changes,
    stores: {
      ...stores,
      threads: {
        ...stores.threads,
        get: (...args) => wait('threads.get', () => stores.threads.get(...args)),
        create: (...args) => wait('threads.create', () => stores.threads.create(...args)),
      },
      runs: {
        ...stores.runs,
        list: (...args) => {
          calls.push('runs.list');
          return stores.runs.list(...args);
        },
      },
    },
    requestTime,
  });
  return { api, stores, logged, calls, threadId, called: called.promise, release: gate.resolve };
}

interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

function deferred(): Deferred {
  const events = new EventEmitter();
  return {
    promise: once(events, 'resolved').then(() => undefined),
    resolve: () => void events.emit('resolved'),
  };
}

/** Until all that was ready to happen has happened. */
const settled = () => new Promise<void>((done) => void setImmediate(() => setImmediate(done)));

const NESTED = 'query($id: ID!) { thread(id: $id) { runs { nodes { id } } } }';

describe('a request that takes too long', () => {
  it('should be answered with 408 in time, and its resolvers stop', async () => {
    const { api, calls, threadId, release, logged } = await openSlowApi(SOON);
    const answer = await send(api, 'alice', NESTED, { id: threadId });
    expect(await refusalOf(api, answer)).toEqual(
      refused('LIMIT_EXCEEDED', 'The request took longer than 0.02 s: ask for less at once.', 408),
    );
    release();
    await settled();
    expect(calls).toEqual(['threads.get']);
    expect(logged).toEqual([]);
  });

  it('should begin no further field of a mutation', async () => {
    const { api, calls, release, logged } = await openSlowApi(SOON);
    const answer = await send(
      api,
      'alice',
      'mutation { a: createThread { thread { id } } b: createThread { thread { id } } }',
    );
    expect(await refusalOf(api, answer)).toEqual(refused('LIMIT_EXCEEDED', '', 408));
    release();
    await settled();
    expect(calls).toEqual(['threads.create']);
    expect(logged).toEqual([]);
  });

  it('should be answered as ever when it ends in time', async () => {
    const { api, calls, threadId, called, release } = await openSlowApi();
    const answer = send(api, 'alice', NESTED, { id: threadId });
    await called;
    release();
    expect((await answer).body).toMatchObject({ data: { thread: { runs: { nodes: [{}] } } } });
    expect(calls).toEqual(['threads.get', 'runs.list']);
  });

  it('should have 15 s, to the millisecond', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { api, threadId, called } = await openSlowApi(null);
    let answered = false;
    const asking = request(api, '/graphql', {
      as: 'alice',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: NESTED, variables: { id: threadId } }),
    }).finally(() => {
      answered = true;
    });
    await called;
    await settled();
    vi.advanceTimersByTime(14_999);
    await settled();
    expect(answered).toBe(false);
    vi.advanceTimersByTime(1);
    const { status, text } = await asking;
    expect(status).toBe(408);
    expect(text).toContain('The request took longer than 15 s: ask for less at once.');
  });
});

describe('a request whose client goes away', () => {
  it.each([
    ['query', NESTED],
    ['mutation', 'mutation { createThread { thread { runs { nodes { id } } } } }'],
  ])('should run no further resolvers: %s', async (_, query) => {
    const { api, calls, threadId, called, release, logged } = await openSlowApi();
    const client = new AbortController();
    const answer = api.fetch('http://localhost/graphql', {
      method: 'POST',
      signal: client.signal,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await tokenFor('alice')}` },
      body: JSON.stringify({ query, variables: { id: threadId } }),
    });
    const gone = Promise.resolve(answer).then(
      () => 'answered',
      (error: unknown) => String(error),
    );
    await called;
    client.abort();
    expect(await gone).toMatch(/abort/i);
    release();
    await settled();
    expect(calls).toHaveLength(1);
    expect(logged).toEqual([]);
  });
});

describe('a client that is gone before its request runs', () => {
  it('should have nothing done', async () => {
    const { stores, changes } = openApi();
    const gate = deferred();
    const asked = deferred();
    const authenticate = async () => {
      asked.resolve();
      await gate.promise;
      return { owner: owner('alice'), worker: null, expiresAt: Date.now() + 60_000 };
    };
    const { api, logged } = openApi({ stores, changes, authenticate });
    const client = new AbortController();
    const answer = Promise.resolve(
      api.fetch('http://localhost/graphql', {
        method: 'POST',
        signal: client.signal,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: 'mutation { createThread { thread { id } } }' }),
      }),
    ).catch(String);
    await asked.promise;
    client.abort();
    gate.resolve();
    expect(await answer).toMatch(/abort/i);
    await settled();
    expect(await stores.threads.count(owner('alice'), null)).toBe(0);
    expect(logged).toEqual([]);
  });
});

describe('a stream', () => {
  it('should stay open for longer than a request may run', async () => {
    const { stores, changes } = openApi();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { api } = openApi({ stores, changes, requestTime: REQUEST_TIME });
    const stream = await subscribe(api, 'alice', 'subscription { threadChanged { kind } }');
    vi.advanceTimersByTime(2 * REQUEST_TIME);
    await createThread(api, 'alice');
    expect(await stream.take(1)).toMatchObject([{ data: { data: { threadChanged: { kind: 'CREATED' } } } }]);
    await stream.cancel();
  });
});
