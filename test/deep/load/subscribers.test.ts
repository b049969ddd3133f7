import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createChangeFeed } from '../../../src/subscriptions/change-feed.ts';
import { createSubscribers, type Subscribers } from '../../../src/subscriptions/subscribers.ts';
import { MAX_BYTES_BEHIND } from '../../../src/limits.ts';
import { createMemoryStores } from '../../../src/store/memory/stores.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { listen, open, reads, turn, until } from '../../http/listen.ts';
import { send, tokenFor } from '../../support/api.ts';
import { heapSize } from '../../support/collect-garbage.ts';
import { createAssistant, createThread } from '../../support/requests.ts';

/** How much memory one that is gone may have taken, in bytes: far less than the 10 KB of one that is open. */
const LEFT_BEHIND = 4_096;

describe('1,000 subscribers that come and go', () => {
  it('should leave nothing behind, whenever they go', async () => {
    const subscribers = createSubscribers({ ofOwner: 1_000 });
    const queues: WeakRef<object>[] = [];
    const watched: Subscribers = {
      ...subscribers,
      open(caller, toResult, onClosed) {
        const subscriber = subscribers.open(caller, toResult, onClosed);
        queues.push(new WeakRef(subscriber.results));
        return subscriber;
      },
    };
    const server = await listen({ subscribers: watched });
    onTestFinished(() => server.close());
    const head = await subscribeBytes();

    /** Half of a number of subscribers stay for an event, half go as soon as they have asked. */
    async function comeAndGo(count: number): Promise<void> {
      const [stay, go] = await Promise.all([
        openMany(server.port, count / 2),
        openMany(server.port, count / 2),
      ]);
      const heard = stay.map((socket) => reads(socket, /"CREATED"/));
      for (const socket of stay) socket.write(head);
      await until(() => subscribers.count() === stay.length);
      for (const socket of go) {
        socket.write(head);
        socket.destroy();
      }
      await createThread(server.api, 'alice');
      await Promise.all(heard);
      for (const socket of stay) socket.destroy();
      await until(() => subscribers.count() === 0);
    }

    async function heapAfter(rounds: number): Promise<number> {
      for (let i = 0; i < rounds; i++) await comeAndGo(200);
      return heapSize();
    }

    const first = await heapAfter(2);
    const second = await heapAfter(3);
    expect((second - first) / 600).toBeLessThan(LEFT_BEHIND);
    expect(queues.length).toBeGreaterThanOrEqual(500);
    expect(queues.filter((queue) => queue.deref() !== undefined)).toEqual([]);
    expect(server.logged).toEqual([]);
  });
});

describe('a reader that falls behind', () => {
  it('should be ended when it reads nothing from its socket, and be read from no more', async () => {
    const subscribers = createSubscribers();
    let most = 0;
    const watched: Subscribers = {
      ...subscribers,
      open(caller, toResult, onClosed) {
        const subscriber = subscribers.open(caller, toResult, onClosed);
        const { results } = subscriber;
        return {
          results,
          send(result, size) {
            subscriber.send(result, size);
            most = Math.max(most, results.bytes);
          },
        };
      },
    };
    const changes = createChangeFeed();
    const stores = createMemoryStores({ publish: changes.publish });
    const server = await listen({ subscribers: watched, changes, stores });
    onTestFinished(() => server.close());
    const id = await createAssistant(server.api, 'alice', { metadata: { big: 'x'.repeat(60_000) } });
    const socket = connect(server.port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    socket.write(await subscribeBytes('subscription{assistantChanged{assistant{metadata}}}'));
    await until(() => subscribers.count() === 1);
    socket.pause();

    // The buffers of the stream and of both sockets take some megabytes of events before one has to wait.
    let sent = 0;
    for (; subscribers.count() === 1 && sent < 5_000; sent += 1) {
      await stores.assistants.update(owner('alice'), id, { name: `${sent}` });
      if (sent % 10 === 0) await turn();
    }
    expect(subscribers.count()).toBe(0);
    expect(most).toBeGreaterThan(MAX_BYTES_BEHIND);
    // One result more at most.
    expect(most).toBeLessThan(MAX_BYTES_BEHIND + 70_000);
    expect(changes.hasSubscribers(owner('alice'))).toBe(false);
    expect((await send(server.api, 'alice', '{ assistants { totalCount } }')).status).toBe(200);
    const rest = reads(socket, /event: complete\ndata:\n\n/);
    socket.resume();
    expect((await rest).slice(-2_000)).toMatch(/"code":"LIMIT_EXCEEDED"[^]*event: complete\ndata:\n\n/);
  });
});

function openMany(port: number, count: number): Promise<readonly Socket[]> {
  return Promise.all(Array.from({ length: count }, () => open(port)));
}

/** A subscription as bytes. */
async function subscribeBytes(query = 'subscription{threadChanged{kind}}'): Promise<string> {
  return `GET /graphql?query=${query} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nAuthorization: Bearer ${await tokenFor('alice')}\r\n\r\n`;
}
