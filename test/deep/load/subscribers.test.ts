import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Changes, createChanges } from '../../../src/subscriptions/change-feed.ts';
import { MAX_EVENTS_BEHIND } from '../../../src/limits.ts';
import { createMemoryStores } from '../../../src/store/memory/stores.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { listen, open, reads, turn, until } from '../../http/listen.ts';
import { send, tokenFor } from '../../support/api.ts';
import { createAssistant, createThread } from '../../support/requests.ts';

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

describe('a reader that falls behind', () => {
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

function openMany(port: number, count: number): Promise<readonly Socket[]> {
  return Promise.all(Array.from({ length: count }, () => open(port)));
}

/** A subscription as bytes. */
async function subscribeBytes(query = 'subscription{threadChanged{kind}}'): Promise<string> {
  return `GET /graphql?query=${query} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nAuthorization: Bearer ${await tokenFor('alice')}\r\n\r\n`;
}
