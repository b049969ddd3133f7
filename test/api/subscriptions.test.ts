import { once } from 'node:events';
import { createServer } from 'node:http';
import { createClient } from 'graphql-sse';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Api } from '../../src/http/api.ts';
import { unavailable } from '../../src/errors.ts';
import { type Changes, createChanges } from '../../src/subscriptions/change-feed.ts';
import type { Change } from '../../src/store/change.ts';
import { openApi, send, settled, tokenFor } from '../support/api.ts';
import { asOwner as owner } from '../../src/store/owner.ts';
import { THEN, createAssistant, createRun, createThread, moveRun } from '../support/requests.ts';
import { type Stream, type StreamEvent, subscribe } from '../support/sse.ts';

const ASSISTANTS =
  'subscription($id: ID) { assistantChanged(id: $id) { kind id assistant { id name version metadata } } }';
const THREADS = 'subscription($id: ID) { threadChanged(id: $id) { kind id thread { id status metadata } } }';
const RUNS =
  'subscription($id: ID, $threadId: ID) { runChanged(id: $id, threadId: $threadId) { kind id threadId run { id status metadata } } }';

/** A subscription that goes away with its test. */
async function watch(
  api: Api,
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

function mutate(api: Api, as: string, field: string, input: unknown): Promise<unknown> {
  const type = `${field[0]?.toUpperCase()}${field.slice(1)}Input`;
  return send(api, as, `mutation($input: ${type}!) { ${field}(input: $input) { userErrors { code } } }`, {
    input,
  });
}

function remove(api: Api, as: string, type: string, id: string): Promise<unknown> {
  return send(api, as, `mutation($id: ID!) { delete${type}(id: $id) { success } }`, { id });
}

describe('a subscription', () => {
  it('should be a stream of Server-Sent Events', async () => {
    const { api } = openApi();
    const stream = await watch(api, 'alice', THREADS);
    expect(stream.status).toBe(200);
    expect(stream.headers.get('content-type')).toBe('text/event-stream');
    expect(stream.headers.get('cache-control')).toBe('no-cache');
  });

  it('should tell of each change of an assistant, as it was right after that change', async () => {
    const { api } = openApi();
    const stream = await watch(api, 'alice', ASSISTANTS);
    const id = await createAssistant(api, 'alice', { name: 'one' });
    await mutate(api, 'alice', 'updateAssistant', { id, name: 'two', metadata: THEN });
    await mutate(api, 'alice', 'updateAssistant', { id });
    await remove(api, 'alice', 'Assistant', id);
    const metadata = { ...THEN, owner: 'alice' };
    expect(await hear(stream, 4)).toEqual([
      {
        assistantChanged: {
          kind: 'CREATED',
          id,
          assistant: { id, name: 'one', version: 1, metadata: { owner: 'alice' } },
        },
      },
      { assistantChanged: { kind: 'UPDATED', id, assistant: { id, name: 'two', version: 2, metadata } } },
      { assistantChanged: { kind: 'UPDATED', id, assistant: { id, name: 'two', version: 3, metadata } } },
      { assistantChanged: { kind: 'DELETED', id, assistant: null } },
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
        id: thread,
        thread: { id: thread, status, metadata: { ...metadata, owner: 'alice' } },
      },
    });
    expect(await hear(threads, 6)).toEqual([
      aThread('CREATED', 'IDLE'),
      aThread('UPDATED', 'IDLE', { a: 1 }),
      aThread('UPDATED', 'BUSY', { a: 1 }),
      aThread('UPDATED', 'ERROR', { a: 1 }),
      aThread('UPDATED', 'IDLE', { a: 1 }),
      { threadChanged: { kind: 'DELETED', id: thread, thread: null } },
    ]);
    const aRun = (kind: string, status: string, metadata = {}) => ({
      runChanged: {
        kind,
        id: run,
        threadId: thread,
        run: { id: run, status, metadata: { ...metadata, owner: 'alice' } },
      },
    });
    expect(await hear(runs, 5)).toEqual([
      aRun('CREATED', 'PENDING'),
      aRun('UPDATED', 'RUNNING'),
      aRun('UPDATED', 'TIMEOUT'),
      aRun('UPDATED', 'TIMEOUT', { b: 1 }),
      { runChanged: { kind: 'DELETED', id: run, threadId: thread, run: null } },
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
    expect(await hear(oneAssistant, 1)).toMatchObject([{ assistantChanged: { id: assistants[1] } }]);
    expect(await hear(oneThread, 2)).toMatchObject([
      { threadChanged: { id: threads[1], thread: { metadata: { x: 1 }, status: 'BUSY' } } },
      { threadChanged: { id: threads[1], thread: { status: 'IDLE' } } },
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
    const { api, changes } = openApi();
    const id = '0123456789abcdef0123456789abcdef';
    const odd = [id, '', 'no id', '__proto__'];
    const streams = await Promise.all(odd.map((each) => watch(api, 'alice', THREADS, { id: each })));
    await createThread(api, 'alice');
    const thread = {
      id,
      metadata: { owner: 'alice' },
      status: 'IDLE',
      createdAt: '',
      updatedAt: '',
    } as const;
    changes.publish(owner('alice'), [{ resource: 'thread', before: null, after: thread }]);
    expect(await hear(streams[0] ?? (await watch(api, 'alice', THREADS)), 1)).toMatchObject([
      { threadChanged: { kind: 'CREATED', id } },
    ]);
    await settled(api);
    changes.close(unavailable('over'));
    for (const stream of streams) {
      expect((await stream.rest()).map(({ event, data }) => [event, data?.data])).toEqual([
        ['next', undefined],
        ['complete', undefined],
      ]);
    }
  });

  it('should send each change to each subscriber once', async () => {
    const { api } = openApi();
    const streams = [await watch(api, 'alice', THREADS), await watch(api, 'alice', THREADS)];
    const ids = [await createThread(api, 'alice'), await createThread(api, 'alice')];
    for (const stream of streams) {
      expect(await hear(stream, 2)).toMatchObject(ids.map((id) => ({ threadChanged: { id } })));
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
      { threadChanged: { kind: 'DELETED', id: threadId, thread: null } },
      expect.objectContaining({ threadChanged: expect.objectContaining({ kind: 'CREATED', id: after }) }),
    ]);
    for (const event of deleted) {
      expect(event).toEqual({ runChanged: { kind: 'DELETED', id: expect.any(String), threadId, run: null } });
    }
    const told = deleted.map((event) => /"id":"(\w+)"/.exec(JSON.stringify(event))?.[1]);
    expect(new Set(told)).toEqual(ids);
    expect(await hear(runs, 1)).toMatchObject([{ runChanged: { kind: 'CREATED', id: last } }]);
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

  it('should end with an error and complete when the server closes, what came before first, and later ones at once', async () => {
    const { api, changes } = openApi();
    const stream = await watch(api, 'alice', THREADS);
    const id = await createThread(api, 'alice');
    await settled(api);
    changes.close(unavailable('The server is shutting down.'));
    await createThread(api, 'alice');
    const [event, ...end] = await stream.rest();
    expect(said(event)).toMatchObject({ threadChanged: { id } });
    const over = [
      {
        event: 'next',
        data: {
          errors: [
            {
              message: 'The server is shutting down.',
              locations: expect.anything(),
              extensions: { code: 'SERVICE_UNAVAILABLE' },
            },
          ],
        },
      },
      { event: 'complete', data: null },
    ];
    expect(end).toEqual(over);
    const late = await watch(api, 'alice', THREADS);
    expect(await late.rest()).toEqual(over);
  });

  it('should end with UNAUTHENTICATED and complete when the token ends', async () => {
    const { api, logged } = openApi({
      authenticate: () => ({ owner: owner('alice'), expiresAt: Date.now() + 1 }),
    });
    const stream = await watch(api, 'alice', THREADS);
    const error = {
      message: expect.any(String),
      locations: expect.anything(),
      extensions: { code: 'UNAUTHENTICATED' },
    };
    expect(await stream.rest()).toEqual([
      { event: 'next', data: { errors: [error] } },
      { event: 'complete', data: null },
    ]);
    expect(logged).toEqual([]);
  });

  it('should stop to listen when its reader goes away, whether or not it has read', async () => {
    const changes = createChanges();
    let seen = 0;
    const counting: Changes = {
      ...changes,
      subscribe: (topic, caller, see) =>
        changes.subscribe(topic, caller, (change) => {
          seen++;
          return see(change);
        }),
    };
    const { stores } = openApi();
    const { api } = openApi({ changes: counting, stores });
    const publish = () => changes.publish(owner('alice'), [created('1')]);
    const idle = await subscribe(api, 'alice', THREADS);
    const busy = await subscribe(api, 'alice', THREADS);
    const waiting = await subscribe(api, 'alice', THREADS);
    publish();
    expect(seen).toBe(3);
    await idle.cancel();
    expect(said(await busy.next())).toBeDefined();
    await busy.cancel();
    expect(said(await waiting.next())).toBeDefined();
    const pending = waiting.next();
    await waiting.cancel();
    expect(await pending).toBeUndefined();
    publish();
    expect(seen).toBe(3);
  });

  it('should be read by the client of graphql-sse, over HTTP', async () => {
    const { api, changes } = openApi();
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
      query: 'subscription { threadChanged { kind id thread { metadata } } }',
    });
    const first = events.next();
    await listening;
    const ids = [await createThread(api, 'alice', { a: 1 }), await createThread(api, 'alice', { a: 1 })];
    expect(await first).toEqual({ done: false, value: createdEvent(ids[0]) });
    expect(await events.next()).toEqual({ done: false, value: createdEvent(ids[1]) });
    changes.close(unavailable('over'));
    expect(await events.next()).toMatchObject({
      value: { errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }] },
    });
    expect(await events.next()).toMatchObject({ done: true });
  });
});

describe('changes', () => {
  const caller = { owner: owner('alice'), expiresAt: Date.now() + 3_600_000 };

  it('should go on until the very millisecond in which the token ends', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const changes = createChanges();
    const queue = changes.subscribe(
      'thread',
      { ...caller, expiresAt: Date.now() + 5_000 },
      (change) => change,
    );
    vi.advanceTimersByTime(4_999);
    changes.publish(caller.owner, [created('1')]);
    vi.advanceTimersByTime(1);
    changes.publish(caller.owner, [created('2')]);
    expect(await queue.next()).toEqual({ done: false, value: created('1') });
    await expect(queue.next()).rejects.toMatchObject({ extensions: { code: 'UNAUTHENTICATED' } });
    expect(await queue.next()).toEqual({ done: true, value: undefined });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('should end at once with a token that has ended', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const queue = createChanges().subscribe('run', { ...caller, expiresAt: Date.now() - 1 }, () => null);
    vi.advanceTimersByTime(1);
    await expect(queue.next()).rejects.toMatchObject({ extensions: { code: 'UNAUTHENTICATED' } });
  });

  it('should leave no timer and no listener behind', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const changes = createChanges();
    let seen = 0;
    const queues = Array.from({ length: 50 }, () =>
      changes.subscribe('thread', { ...caller, expiresAt: Date.now() + 1_000 }, () => ++seen),
    );
    expect(vi.getTimerCount()).toBe(50);
    for (const queue of queues) await queue.return();
    expect(vi.getTimerCount()).toBe(0);
    changes.publish(caller.owner, [created('1')]);
    expect(seen).toBe(0);
  });

  it('should be of one owner and of one kind of resource', async () => {
    const changes = createChanges();
    const queue = changes.subscribe('thread', caller, (change) => change);
    onTestFinished(async () => void (await queue.return()));
    changes.publish(owner('bob'), [created('1')]);
    changes.publish(owner('run:alice'), [created('2')]);
    changes.publish(caller.owner, [{ resource: 'assistant', before: null, after: null }]);
    changes.publish(caller.owner, [created('3')]);
    expect(await queue.next()).toEqual({ done: false, value: created('3') });
  });

  it('should give several readers of one queue each event once, and end for all of them', async () => {
    const changes = createChanges();
    const queue = changes.subscribe('thread', caller, (change) => change);
    const reads = [queue.next(), queue.next(), queue.next()];
    changes.publish(caller.owner, [created('1')]);
    changes.close(unavailable('over'));
    const results = await Promise.allSettled(reads);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[2]).toMatchObject({ value: { done: true } });
  });
});

function runEvent(id: string, status: string) {
  return { runChanged: { id, run: { status } } };
}

function createdEvent(id: string | undefined) {
  return { data: { threadChanged: { kind: 'CREATED', id, thread: { metadata: { a: 1, owner: 'alice' } } } } };
}

function created(id: string): Change {
  return {
    resource: 'thread',
    before: null,
    after: { id, metadata: { owner: 'alice' }, status: 'IDLE', createdAt: '', updatedAt: '' },
  };
}

/** Is done once someone has subscribed. */
function subscribed(changes: Changes): Promise<void> {
  const { subscribe: original } = changes;
  return new Promise((resolve) => {
    vi.spyOn(changes, 'subscribe').mockImplementationOnce((topic, caller, see) => {
      const queue = original(topic, caller, see);
      resolve();
      return queue;
    });
  });
}
