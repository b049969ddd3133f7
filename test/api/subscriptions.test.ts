import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import { createClient } from 'graphql-sse';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type ChangeFeed, createChangeFeed } from '../../src/subscriptions/change-feed.ts';
import type { Change } from '../../src/store/change.ts';
import { aliceFor, type FetchedApi, openApi, send, settled, tokenFor } from '../support/api.ts';
import { asOwner as owner } from '../../src/store/owner.ts';
import { THEN, createAssistant, createRun, createThread, moveRun } from '../support/requests.ts';
import { type Stream, type StreamEvent, subscribe } from '../support/sse.ts';

const ASSISTANTS =
  'subscription($id: ID) { assistantChanged(id: $id) { kind assistantId deletedAssistantId assistant { id name version metadata } } }';
const THREADS =
  'subscription($id: ID) { threadChanged(id: $id) { kind threadId deletedThreadId thread { id status metadata } } }';
const RUNS =
  'subscription($id: ID, $threadId: ID) { runChanged(id: $id, threadId: $threadId) { kind runId threadId deletedRunId run { id status metadata } } }';

/** A subscription that goes away with its test. */
async function watch(
  api: FetchedApi,
  as: string,
  query: string,
  variables?: Record<string, unknown>,
): Promise<Stream> {
  const stream = await subscribe(api, as, query, variables);
  onTestFinished(() => stream.cancel());
  return stream;
}

/** What an event without errors says. */
function said(event: StreamEvent | undefined): unknown {
  expect(event?.event).toBe('next');
  expect(event?.data?.errors).toBeUndefined();
  return event?.data?.data;
}

/** What the next so many events say. */
async function hear(stream: Stream, count: number): Promise<readonly unknown[]> {
  return (await stream.take(count)).map(said);
}

function mutate(api: FetchedApi, as: string, field: string, input: unknown): Promise<unknown> {
  const type = `${field[0]?.toUpperCase()}${field.slice(1)}Input`;
  return send(api, as, `mutation($input: ${type}!) { ${field}(input: $input) { userErrors { code } } }`, {
    input,
  });
}

function remove(api: FetchedApi, as: string, type: string, id: string): Promise<unknown> {
  return send(api, as, `mutation($id: ID!) { delete${type}(id: $id) { success } }`, { id });
}

describe('a subscription', () => {
  it('should be a stream of Server-Sent Events', async () => {
    const { api } = openApi();
    const stream = await watch(api, 'alice', THREADS);
    expect(stream.status).toBe(200);
    expect(stream.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(stream.headers.get('cache-control')).toBe('no-cache, no-transform');
    expect(stream.headers.get('x-accel-buffering')).toBe('no');
    expect(stream.headers.has('content-encoding')).toBe(false);
  });

  it('should tell of each change of an assistant, as it was right after that change', async () => {
    const { api } = openApi();
    const stream = await watch(api, 'alice', ASSISTANTS);
    const id = await createAssistant(api, 'alice', { name: 'one' });
    await mutate(api, 'alice', 'updateAssistant', { id, name: 'two', metadata: THEN });
    await mutate(api, 'alice', 'updateAssistant', { id });
    await remove(api, 'alice', 'Assistant', id);
    const anAssistant = (kind: string, name: string, version: number, metadata = {}) => ({
      assistantChanged: {
        kind,
        assistantId: id,
        deletedAssistantId: null,
        assistant: { id, name, version, metadata: { ...metadata, owner: 'alice' } },
      },
    });
    expect(await hear(stream, 4)).toEqual([
      anAssistant('CREATED', 'one', 1),
      anAssistant('UPDATED', 'two', 2, THEN),
      anAssistant('UPDATED', 'two', 3, THEN),
      { assistantChanged: { kind: 'DELETED', assistantId: id, deletedAssistantId: id, assistant: null } },
    ]);
  });

  it('should tell of each change of a thread, its status included, and of a run', async () => {
    const { api } = openApi();
    const threads = await watch(api, 'alice', THREADS);
    const runs = await watch(api, 'alice', RUNS);
    const assistant = await createAssistant(api, 'alice');
    const thread = await createThread(api, 'alice');
    await mutate(api, 'alice', 'updateThread', { id: thread, metadata: { a: 1 } });
    const run = await createRun(api, 'alice', thread, assistant);
    await moveRun(api, 'alice', run, 'RUNNING');
    await moveRun(api, 'alice', run, 'TIMEOUT');
    await mutate(api, 'alice', 'updateRun', { id: run, metadata: { b: 1 } });
    await remove(api, 'alice', 'Run', run);
    await remove(api, 'alice', 'Thread', thread);
    const aThread = (kind: string, status: string, metadata = {}) => ({
      threadChanged: {
        kind,
        threadId: thread,
        deletedThreadId: null,
        thread: { id: thread, status, metadata: { ...metadata, owner: 'alice' } },
      },
    });
    expect(await hear(threads, 6)).toEqual([
      aThread('CREATED', 'IDLE'),
      aThread('UPDATED', 'IDLE', { a: 1 }),
      aThread('UPDATED', 'BUSY', { a: 1 }),
      aThread('UPDATED', 'ERROR', { a: 1 }),
      aThread('UPDATED', 'IDLE', { a: 1 }),
      { threadChanged: { kind: 'DELETED', threadId: thread, deletedThreadId: thread, thread: null } },
    ]);
    const aRun = (kind: string, status: string, metadata = {}) => ({
      runChanged: {
        kind,
        runId: run,
        threadId: thread,
        deletedRunId: null,
        run: { id: run, status, metadata: { ...metadata, owner: 'alice' } },
      },
    });
    expect(await hear(runs, 5)).toEqual([
      aRun('CREATED', 'PENDING'),
      aRun('UPDATED', 'RUNNING'),
      aRun('UPDATED', 'TIMEOUT'),
      aRun('UPDATED', 'TIMEOUT', { b: 1 }),
      { runChanged: { kind: 'DELETED', runId: run, threadId: thread, deletedRunId: run, run: null } },
    ]);
  });

  it('should send nothing for what changes nothing, and for what is refused', async () => {
    const { api } = openApi();
    const assistant = await createAssistant(api, 'alice');
    const thread = await createThread(api, 'alice', { a: 1 });
    const run = await createRun(api, 'alice', thread, assistant, { a: 1 });
    const [threads, runs, assistants] = [
      await watch(api, 'alice', THREADS),
      await watch(api, 'alice', RUNS),
      await watch(api, 'alice', ASSISTANTS),
    ];
    await mutate(api, 'alice', 'updateThread', { id: thread });
    await mutate(api, 'alice', 'updateThread', { id: thread, metadata: { a: 1, owner: 'x', none: null } });
    await mutate(api, 'alice', 'updateThread', { id: thread, metadata: null });
    await mutate(api, 'alice', 'updateRun', { id: run, status: 'PENDING', metadata: { a: 1 } });
    await remove(api, 'alice', 'Run', run);
    await remove(api, 'alice', 'Assistant', assistant);
    await mutate(api, 'alice', 'updateAssistant', { id: assistant, name: '' });
    await mutate(api, 'alice', 'createRun', { threadId: thread, assistantId: thread });
    await moveRun(api, 'alice', run, 'RUNNING');
    await moveRun(api, 'alice', run, 'PENDING');
    await mutate(api, 'alice', 'updateThread', { id: thread, metadata: { last: 1 } });
    await mutate(api, 'alice', 'updateRun', { id: run, metadata: { last: 1 } });
    await mutate(api, 'alice', 'updateAssistant', { id: assistant, metadata: { last: 1 } });
    expect(await hear(threads, 1)).toMatchObject([{ threadChanged: { thread: { metadata: { last: 1 } } } }]);
    expect(await hear(runs, 2)).toMatchObject([
      { runChanged: { run: { status: 'RUNNING', metadata: { a: 1 } } } },
      { runChanged: { run: { metadata: { last: 1 } } } },
    ]);
    expect(await hear(assistants, 1)).toMatchObject([
      { assistantChanged: { assistant: { version: 2, metadata: { last: 1 } } } },
    ]);
  });

  it('should be of one resource by id, of the runs of one thread, or of both', async () => {
    const { api } = openApi();
    const assistants = [await createAssistant(api, 'alice'), await createAssistant(api, 'alice')] as const;
    const threads = [await createThread(api, 'alice'), await createThread(api, 'alice')] as const;
    const runs = [
      await createRun(api, 'alice', threads[0], assistants[0]),
      await createRun(api, 'alice', threads[1], assistants[0]),
      await createRun(api, 'alice', threads[1], assistants[0]),
    ] as const;
    const oneAssistant = await watch(api, 'alice', ASSISTANTS, { id: assistants[1] });
    const oneThread = await watch(api, 'alice', THREADS, { id: threads[1] });
    const oneRun = await watch(api, 'alice', RUNS, { id: runs[2] });
    const ofThread = await watch(api, 'alice', RUNS, { threadId: threads[1], id: null });
    const both = await watch(api, 'alice', RUNS, { threadId: threads[1], id: runs[1] });
    const neither = await watch(api, 'alice', RUNS, { threadId: threads[0], id: runs[1] });
    const all = await watch(api, 'alice', RUNS, { threadId: null, id: null });
    for (const id of assistants) await mutate(api, 'alice', 'updateAssistant', { id });
    for (const id of threads) await mutate(api, 'alice', 'updateThread', { id, metadata: { x: 1 } });
    for (const status of ['RUNNING', 'SUCCESS'])
      for (const id of runs) await moveRun(api, 'alice', id, status);
    expect(await hear(oneAssistant, 1)).toMatchObject([{ assistantChanged: { assistantId: assistants[1] } }]);
    expect(await hear(oneThread, 2)).toMatchObject([
      { threadChanged: { threadId: threads[1], thread: { metadata: { x: 1 }, status: 'BUSY' } } },
      { threadChanged: { threadId: threads[1], thread: { status: 'IDLE' } } },
    ]);
    expect(await hear(oneRun, 2)).toMatchObject([runEvent(runs[2], 'RUNNING'), runEvent(runs[2], 'SUCCESS')]);
    expect(await hear(ofThread, 4)).toMatchObject(
      ['RUNNING', 'SUCCESS'].flatMap((status) => [runEvent(runs[1], status), runEvent(runs[2], status)]),
    );
    expect(await hear(both, 2)).toMatchObject([runEvent(runs[1], 'RUNNING'), runEvent(runs[1], 'SUCCESS')]);
    expect(await hear(all, 6)).toMatchObject(
      ['RUNNING', 'SUCCESS'].flatMap((status) => runs.map((id) => runEvent(id, status))),
    );
    const stop = neither.next();
    await neither.cancel();
    expect(await stop).toBeUndefined();
  });

  it("should never tell of another owner's changes", async () => {
    const { api } = openApi();
    const streams = [
      [await watch(api, 'alice', ASSISTANTS), 'assistantChanged'],
      [await watch(api, 'alice', THREADS), 'threadChanged'],
      [await watch(api, 'alice', RUNS), 'runChanged'],
    ] as const;
    const others = ['bob', '__proto__', 'constructor', 'run:alice'];
    const foreign = await Promise.all(others.map((as) => watch(api, as, THREADS)));
    for (const as of ['carol', 'Alice', 'alice', ...others.toReversed()]) {
      const assistant = await createAssistant(api, as);
      const run = await createRun(api, as, await createThread(api, as), assistant);
      await moveRun(api, as, run, 'SUCCESS');
    }
    for (const [i, stream] of foreign.entries()) {
      const [first] = await hear(stream, 1);
      expect(first).toMatchObject({
        threadChanged: { kind: 'CREATED', thread: { metadata: { owner: others[i] } } },
      });
    }
    for (const [stream, field] of streams) {
      const [first] = await stream.take(1);
      expect(JSON.stringify(said(first))).toContain('"owner":"alice"');
      expect(first?.data?.data).toMatchObject({ [field]: { kind: 'CREATED' } });
    }
  });

  it('should wait in silence for an id that is unknown, and tell what has it later', async () => {
    const { api, changes, subscribers } = openApi();
    const id = '0123456789abcdef0123456789abcdef';
    const odd = [id, '', 'no id', '__proto__'];
    const streams = await Promise.all(odd.map((each) => watch(api, 'alice', THREADS, { id: each })));
    await createThread(api, 'alice');
    const thread = {
      id,
      metadata: { owner: 'alice' },
      status: 'IDLE',
      valuesRunId: null,
      createdAt: '',
      updatedAt: '',
    } as const;
    changes.publish(owner('alice'), [{ resource: 'thread', before: null, after: thread }]);
    const [first, ...others] = streams;
    expect(await hear(first ?? (await watch(api, 'alice', THREADS)), 1)).toMatchObject([
      { threadChanged: { kind: 'CREATED', threadId: id } },
    ]);
    await settled(api);
    subscribers.close();
    for (const stream of others) expect(await stream.untilCut()).toEqual([]);
  });

  it('should send each change to each subscriber once', async () => {
    const { api } = openApi();
    const streams = [await watch(api, 'alice', THREADS), await watch(api, 'alice', THREADS)];
    const ids = [await createThread(api, 'alice'), await createThread(api, 'alice')];
    for (const stream of streams) {
      expect(await hear(stream, 2)).toMatchObject(ids.map((threadId) => ({ threadChanged: { threadId } })));
    }
  });

  it('should lose nothing of a burst, and show one DELETED for a thread and for each of its runs', async () => {
    const COUNT = 2_500;
    const { api, stores } = openApi();
    const alice = owner('alice');
    const assistantId = await createAssistant(api, 'alice');
    const threadId = await createThread(api, 'alice');
    const ids = new Set<string>();
    for (let i = 0; i < COUNT; i++) {
      const outcome = await stores.runs.create(alice, { threadId, assistantId });
      if ('value' in outcome) ids.add(outcome.value.id);
    }
    const runs = await watch(api, 'alice', RUNS);
    const threads = await watch(api, 'alice', THREADS);
    await remove(api, 'alice', 'Thread', threadId);
    const deleted = await hear(runs, COUNT);
    const after = await createThread(api, 'alice');
    const last = await createRun(api, 'alice', after, assistantId);
    expect(await hear(threads, 2)).toEqual([
      { threadChanged: { kind: 'DELETED', threadId, deletedThreadId: threadId, thread: null } },
      expect.objectContaining({
        threadChanged: expect.objectContaining({ kind: 'CREATED', threadId: after }),
      }),
    ]);
    const told = deleted.map((event) => /"runId":"(\w+)"/.exec(JSON.stringify(event))?.[1]);
    expect(deleted).toEqual(
      told.map((id) => ({
        runChanged: { kind: 'DELETED', runId: id, threadId, deletedRunId: id, run: null },
      })),
    );
    expect(new Set(told)).toEqual(ids);
    expect(await hear(runs, 1)).toMatchObject([{ runChanged: { kind: 'CREATED', runId: last } }]);
  });

  it('should show each event as it was then, though it is read later', async () => {
    const { api } = openApi();
    const stream = await watch(api, 'alice', ASSISTANTS);
    const id = await createAssistant(api, 'alice', { name: 'v1' });
    for (const name of ['v2', 'v3', 'v4']) await mutate(api, 'alice', 'updateAssistant', { id, name });
    expect(await hear(stream, 4)).toMatchObject(
      ['v1', 'v2', 'v3', 'v4'].map((name, i) => ({
        assistantChanged: { assistant: { name, version: i + 1 } },
      })),
    );
  });

  it('should be cut without a last word when the server closes, and later ones at once', async () => {
    const { api, changes, subscribers } = openApi();
    const stream = await watch(api, 'alice', THREADS);
    const id = await createThread(api, 'alice');
    expect(await hear(stream, 1)).toMatchObject([{ threadChanged: { threadId: id } }]);
    await settled(api);
    subscribers.close();
    expect(await stream.untilCut()).toEqual([]);
    // Before its first byte has left.
    await expect(subscribe(api, 'alice', THREADS)).rejects.toThrow('socket hang up');
    expect(subscribers.count()).toBe(0);
    expect(changes.hasSubscribers(owner('alice'))).toBe(false);
  });

  it('should be cut without a last word when changes may have been missed, and later ones go on', async () => {
    const { api, subscribers } = openApi();
    const stream = await watch(api, 'alice', THREADS);
    subscribers.interrupt();
    expect(await stream.untilCut()).toEqual([]);
    const late = await watch(api, 'alice', THREADS);
    const id = await createThread(api, 'alice');
    expect(await hear(late, 1)).toMatchObject([{ threadChanged: { threadId: id } }]);
  });

  it('should end with UNAUTHENTICATED and complete when the token ends', async () => {
    const { api, logged } = openApi({ authenticate: aliceFor(1) });
    const stream = await watch(api, 'alice', THREADS);
    const error = { message: expect.any(String), extensions: { code: 'UNAUTHENTICATED' } };
    expect(await stream.rest()).toEqual([
      { event: 'next', data: { errors: [error] } },
      { event: 'complete', data: null },
    ]);
    expect(logged).toEqual([]);
  });

  it('should stop to listen when its reader goes away, whether or not it has read', async () => {
    const changes = createChangeFeed();
    const { stores } = openApi();
    const { api, subscribers } = openApi({ changes, stores });
    const publish = () => changes.publish(owner('alice'), [created('1')]);
    const idle = await subscribe(api, 'alice', THREADS);
    const busy = await subscribe(api, 'alice', THREADS);
    const waiting = await subscribe(api, 'alice', RUNS);
    publish();
    expect(subscribers.count()).toBe(3);
    await idle.cancel();
    expect(subscribers.count()).toBe(2);
    expect(said(await busy.next())).toBeDefined();
    await busy.cancel();
    expect(subscribers.count()).toBe(1);
    expect(changes.hasSubscribers(owner('alice'))).toBe(true);
    const pending = waiting.next();
    await waiting.cancel();
    expect(await pending).toBeUndefined();
    expect(subscribers.count()).toBe(0);
    expect(changes.hasSubscribers(owner('alice'))).toBe(false);
  });

  it('should have each event executed once for all who asked the same, and for nobody who asked later', async () => {
    const { stores } = openApi();
    const steps = new EventEmitter();
    let lists = 0;
    const list: typeof stores.runs.list = async (...args) => {
      if (++lists === 1) {
        steps.emit('asked');
        await once(steps, 'go on');
      }
      return stores.runs.list(...args);
    };
    const { api, changes } = openApi({ stores: { ...stores, runs: { ...stores.runs, list } } });
    const query = 'subscription { threadChanged { threadId thread { runs { nodes { id } } } } }';
    const publish = (id: string) => changes.publish(owner('alice'), [created(id)]);
    const both = [await watch(api, 'alice', query), await watch(api, 'alice', query)];
    const asked = once(steps, 'asked');
    publish('1');
    await asked;
    // The event from before is being executed: it is not for who comes now.
    const late = await watch(api, 'alice', query);
    steps.emit('go on');
    for (const stream of both) expect(await hear(stream, 1)).toEqual([withoutRuns('1')]);
    expect(lists).toBe(1);
    publish('2');
    expect(await hear(late, 1)).toEqual([withoutRuns('2')]);
    for (const stream of both) expect(await hear(stream, 1)).toEqual([withoutRuns('2')]);
  });

  it('should be read by the client of graphql-sse, over HTTP', async () => {
    const { api, changes, subscribers } = openApi();
    const server = createServer(api.handle);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const client = createClient({
      url: `http://127.0.0.1:${port}/graphql`,
      headers: { authorization: `Bearer ${await tokenFor('alice')}` },
      retryAttempts: 0,
    });
    onTestFinished(() => client.dispose());
    const listening = subscribed(changes);
    const events = client.iterate({
      query: 'subscription { threadChanged { kind threadId thread { metadata } } }',
    });
    const first = events.next();
    await listening;
    const ids = [await createThread(api, 'alice', { a: 1 }), await createThread(api, 'alice', { a: 1 })];
    expect(await first).toEqual({ done: false, value: createdEvent(ids[0]) });
    expect(await events.next()).toEqual({ done: false, value: createdEvent(ids[1]) });
    subscribers.interrupt();
    // As after a crash: with retries the client would connect again.
    await expect(events.next()).rejects.toThrow('terminated');
  });
});

function withoutRuns(threadId: string) {
  return { threadChanged: { threadId, thread: { runs: { nodes: [] } } } };
}

function runEvent(id: string, status: string) {
  return { runChanged: { runId: id, run: { status } } };
}

function createdEvent(id: string | undefined) {
  return {
    data: {
      threadChanged: { kind: 'CREATED', threadId: id, thread: { metadata: { a: 1, owner: 'alice' } } },
    },
  };
}

function created(id: string): Change {
  return {
    resource: 'thread',
    before: null,
    after: {
      id,
      metadata: { owner: 'alice' },
      status: 'IDLE',
      valuesRunId: null,
      createdAt: '',
      updatedAt: '',
    },
  };
}

/** Is done once someone has subscribed. */
function subscribed(changes: ChangeFeed): Promise<void> {
  const { subscribe: original } = changes;
  return new Promise((resolve) => {
    vi.spyOn(changes, 'subscribe').mockImplementationOnce((topic, caller, see) => {
      const queue = original(topic, caller, see);
      resolve();
      return queue;
    });
  });
}
