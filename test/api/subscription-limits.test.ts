import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { unavailable } from '../../src/api-error.ts';
import { type Changes, type ChangesLimits, createChanges } from '../../src/changes.ts';
import { MAX_EVENTS_BEHIND, MAX_SUBSCRIPTIONS_OF_OWNER } from '../../src/limits.ts';
import { createMemoryStores } from '../../src/store/memory/stores.ts';
import type { Change } from '../../src/store/change.ts';
import { listen, open, reads, turn, until } from '../http/listen.ts';
import { openApi, send, tokenFor } from '../support/api.ts';
import { asOwner as owner } from '../../src/store/owner.ts';
import { createAssistant, createThread } from '../support/requests.ts';
import { type Stream, subscribe } from '../support/sse.ts';

const THREADS = 'subscription { threadChanged { kind id } }';
const LATER = Date.now() + 3_600_000;

function openWith(limits: ChangesLimits) {
  const changes = createChanges(limits);
  return { ...openApi({ changes, stores: createMemoryStores({ publish: changes.publish }) }), changes };
}

/** The codes that the last event before `complete` has. */
async function lastCodes(stream: Stream): Promise<unknown> {
  const events = await stream.rest();
  expect(events.at(-1)).toEqual({ event: 'complete', data: null });
  return events.at(-2)?.data?.errors;
}

const EXCEEDED = [expect.objectContaining({ extensions: { code: 'LIMIT_EXCEEDED' } })];

describe('open subscriptions', () => {
  it.each([
    ['one owner', { ofOwner: 3 }, ['alice', 'alice', 'alice'], 'alice', 'bob'],
    ['all owners', { inAll: 3 }, ['alice', 'bob', 'carol'], 'dave', null],
  ] as const)(
    'should be limited for %s, and be given back',
    async (_kind, limits, owners, refused, other) => {
      const { api, changes, logged } = openWith(limits);
      const streams = await Promise.all(owners.map((as) => subscribe(api, as, THREADS)));
      const over = await subscribe(api, refused, THREADS);
      expect(over.status).toBe(429);
      expect(await lastCodes(over)).toEqual(EXCEEDED);
      expect(changes.count()).toBe(3);
      // Everything else goes on.
      expect((await send(api, refused, '{ threads { totalCount } }')).status).toBe(200);
      if (other !== null) await (await subscribe(api, other, THREADS)).cancel();

      await streams[0]?.cancel();
      const next = await subscribe(api, refused, THREADS);
      expect(next.status).toBe(200);
      await Promise.all([...streams, next].map((stream) => stream.cancel()));
      expect(changes.count()).toBe(0);
      expect(logged).toEqual([]);
    },
  );

  it('should be 50 of one owner', async () => {
    const { api, changes } = openApi();
    for (let i = 0; i < MAX_SUBSCRIPTIONS_OF_OWNER; i += 1) {
      expect((await subscribe(api, 'alice', THREADS)).status).toBe(200);
    }
    expect(MAX_SUBSCRIPTIONS_OF_OWNER).toBe(50);
    expect((await subscribe(api, 'alice', THREADS)).status).toBe(429);
    changes.close(unavailable('over'));
  });

  const alice = { owner: owner('alice'), expiresAt: LATER };

  it.each<[string, (changes: Changes, queue: ReturnType<Changes['subscribe']>) => unknown]>([
    ['its reader goes away', (_, queue) => queue.return()],
    ['the server closes', (changes) => changes.close(unavailable('over'))],
    ['it is cut off', (_, queue) => queue.cutOff(unavailable('over'))],
    ['it ends, more than once', (_, queue) => [queue.end(), queue.end(), void queue.return()]],
  ])('should give a place back when %s', async (_kind, end) => {
    const changes = createChanges({ ofOwner: 1 });
    const queue = changes.subscribe('thread', alice, (change) => change);
    expect(() => changes.subscribe('run', alice, () => null)).toThrow('close one first');
    await end(changes, queue);
    await changes.subscribe('run', alice, () => null).return();
    // One place, not two.
    const again = changes.subscribe('run', alice, () => null);
    changes.close(unavailable('over'));
    await again.return();
  });

  it('should give a place back when the token ends', async () => {
    const changes = createChanges({ ofOwner: 1 });
    const queue = changes.subscribe('thread', { ...alice, expiresAt: Date.now() - 1 }, (change) => change);
    await expect(queue.next()).rejects.toMatchObject({ extensions: { code: 'UNAUTHENTICATED' } });
    await changes.subscribe('thread', alice, () => null).return();
  });

  it('should give a place back to those who are refused while it is set up', async () => {
    const { api, changes } = openWith({ ofOwner: 1 });
    for (let i = 0; i < 3; i += 1) {
      const { status } = await send(api, 'alice', THREADS, {}, { accept: 'application/json' });
      expect(status).toBe(406);
    }
    expect(changes.count()).toBe(0);
  });
});

describe('1,000 subscribers that come and go', { timeout: 60_000 }, () => {
  it('should leave nothing behind, whenever they go', async () => {
    const changes = createChanges({ ofOwner: 1_000 });
    const server = await listen({ changes, stores: createMemoryStores({ publish: changes.publish }) });
    const head = await subscribeBytes();

    /** So many together: half of them stay for an event, half go as soon as they have asked. */
    async function comeAndGo(count: number): Promise<void> {
      const [stay, go] = await Promise.all([
        openMany(server.port, count / 2),
        openMany(server.port, count / 2),
      ]);
      const heard = stay.map((socket) => reads(socket, /"CREATED"/));
      for (const socket of stay) socket.write(head);
      await until(() => changes.count() === stay.length);
      for (const socket of go) {
        socket.write(head);
        socket.destroy();
      }
      const began = performance.now();
      await createThread(server.api, 'alice');
      expect(performance.now() - began).toBeLessThan(250);
      await Promise.all(heard);
      for (const socket of stay) socket.destroy();
    }

    await comeAndGo(200);
    await until(() => changes.count() === 0);
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 5; i += 1) await comeAndGo(200);
    // Done once the last of the connections is, which is not cut off before that.
    await server.close(60_000);
    await until(() => changes.count() === 0);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1024 * 1024);
    expect(server.logged).toEqual([]);
  });
});

function openMany(port: number, count: number): Promise<readonly Socket[]> {
  return Promise.all(Array.from({ length: count }, () => open(port)));
}

describe('a reader that falls behind', () => {
  const alice = { owner: owner('alice'), expiresAt: LATER };
  const wanted: Change = {
    resource: 'thread',
    before: null,
    after: { id: '1', metadata: { owner: 'alice' }, status: 'IDLE', createdAt: '', updatedAt: '' },
  };

  it('should be cut off by what comes when it is 1,000 events behind, with nothing kept for it', async () => {
    const changes = createChanges();
    const queue = changes.subscribe('thread', alice, (change) => change);
    for (let i = 0; i < MAX_EVENTS_BEHIND - 1; i += 1) changes.publish(alice.owner, [wanted]);
    changes.publish(alice.owner, [wanted]);
    expect(queue.waiting).toBe(1_000);
    // What it would not see does not count, nor does what another one has.
    changes.publish(alice.owner, [{ resource: 'run', before: null, after: null }]);
    changes.publish(owner('bob'), [wanted]);
    expect(queue.waiting).toBe(1_000);
    changes.publish(alice.owner, [wanted]);
    expect(queue.waiting).toBe(0);
    expect(changes.count()).toBe(0);
    await expect(queue.next()).rejects.toMatchObject({ extensions: { code: 'LIMIT_EXCEEDED' } });
    expect(await queue.next()).toEqual({ done: true, value: undefined });
  });

  it('should go on when it is 999 behind, and when it has caught up', async () => {
    const changes = createChanges();
    const queue = changes.subscribe('thread', alice, (change) => change);
    onTestFinished(async () => void (await queue.return()));
    for (let i = 0; i < MAX_EVENTS_BEHIND; i += 1) changes.publish(alice.owner, [wanted]);
    await queue.next();
    changes.publish(alice.owner, [wanted]);
    expect(queue.waiting).toBe(1_000);
  });

  it('should not be cut off within one mutation, however much it changes', async () => {
    const changes = createChanges();
    const queue = changes.subscribe('thread', alice, (change) => change);
    changes.publish(
      alice.owner,
      Array.from({ length: 5_000 }, () => wanted),
    );
    expect(queue.waiting).toBe(5_000);
    for (let i = 0; i < 4_001; i += 1) await queue.next();
    changes.publish(alice.owner, [wanted, wanted]);
    expect(queue.waiting).toBe(1_001);
    await queue.return();
  });

  it('should be told so as the last event of its stream', async () => {
    const { api, stores, logged } = openApi();
    const stream = await subscribe(api, 'alice', THREADS);
    for (let i = 0; i < MAX_EVENTS_BEHIND + 10; i += 1) await stores.threads.create(owner('alice'), {});
    expect(await lastCodes(stream)).toEqual(EXCEEDED);
    expect(logged).toEqual([]);
  });

  it('should be cut off when it reads nothing from its socket, and be read from no more', async () => {
    const changes = createChanges();
    let most = 0;
    const watched: Changes = {
      ...changes,
      subscribe(topic, caller, see) {
        const queue = changes.subscribe(topic, caller, see);
        const { push } = queue;
        queue.push = (event) => {
          push(event);
          most = Math.max(most, queue.waiting);
        };
        return queue;
      },
    };
    const stores = createMemoryStores({ publish: changes.publish });
    const server = await listen({ changes: watched, stores });
    onTestFinished(() => server.close());
    const id = await createAssistant(server.api, 'alice', { metadata: { big: 'x'.repeat(60_000) } });
    const socket = connect(server.port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    socket.write(await subscribeBytes('subscription{assistantChanged{assistant{metadata}}}'));
    await until(() => changes.count() === 1);
    socket.pause();

    // The buffers of the stream and of both sockets take some megabytes of events before one has to wait.
    let sent = 0;
    for (; changes.count() === 1 && sent < 5_000; sent += 1) {
      await stores.assistants.update(owner('alice'), id, { name: `${sent}` });
      if (sent % 10 === 0) await turn();
    }
    expect(changes.count()).toBe(0);
    expect(most).toBe(MAX_EVENTS_BEHIND);
    expect(sent).toBeGreaterThan(MAX_EVENTS_BEHIND);
    expect((await send(server.api, 'alice', '{ assistants { totalCount } }')).status).toBe(200);
    const rest = reads(socket, /event: complete\n/);
    socket.resume();
    expect((await rest).slice(-2_000)).toMatch(/"code":"LIMIT_EXCEEDED"[^]*event: complete\n/);
  });
});

/** A subscription as bytes. */
async function subscribeBytes(query = 'subscription{threadChanged{kind}}'): Promise<string> {
  return `GET /graphql?query=${query} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nAuthorization: Bearer ${await tokenFor('alice')}\r\n\r\n`;
}
