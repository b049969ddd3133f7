import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { MAX_BYTES_BEHIND, MAX_BYTES_OF_BATCH } from '../../../src/limits.ts';
import { createMemoryStores } from '../../../src/store/memory/stores.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { createChangeFeed } from '../../../src/subscriptions/change-feed.ts';
import { createSubscribers, type Subscribers } from '../../../src/subscriptions/subscribers.ts';
import { listen, turn, until } from '../../http/listen.ts';
import { SSE } from '../../http/streams/formats.ts';
import { tokenFor } from '../../support/api.ts';
import { claimNew, finish } from '../../support/worker.ts';

const alice = owner('alice');
/** Events of a run: 15 MiB, nearly as much as a run may have. */
const EVENTS = 300;
const TEXT = 'x'.repeat(52_000);
/** How many of them a call appends: up to 512 KiB. */
const PER_CALL = 9;

/** A server with a run that a worker has, and the most bytes that waited for a subscriber. */
async function openRun() {
  const waited = { most: 0 };
  const subscribers = createSubscribers();
  const watched: Subscribers = {
    ...subscribers,
    open(caller, toResult, onClosed) {
      const subscriber = subscribers.open(caller, toResult, onClosed);
      const { results } = subscriber;
      return {
        results,
        send(result, size) {
          subscriber.send(result, size);
          waited.most = Math.max(waited.most, results.bytes);
        },
      };
    },
  };
  const changes = createChangeFeed();
  const { publish, publishEvents } = changes;
  const stores = createMemoryStores({ publish, publishEvents });
  const server = await listen({ subscribers: watched, changes, stores });
  onTestFinished(() => server.close());
  return { ...server, stores, subscribers, waited, ...(await claimNew(stores, alice)) };
}

type Opened = Awaited<ReturnType<typeof openRun>>;

/** Lets the worker append events, all of them while others have their turns. */
async function appendAll({ stores, lease }: Opened): Promise<void> {
  for (let offset = 0; offset < EVENTS; offset += PER_CALL) {
    const count = Math.min(PER_CALL, EVENTS - offset);
    const events = Array.from({ length: count }, () => ({ type: 'TEXT', data: { text: TEXT } }));
    const { refusals } = await stores.queue.appendEvents(alice, { lease, offset, events });
    expect(refusals).toEqual([]);
    for (let i = 0; i < 5; i++) await turn();
  }
  await finish(stores, alice, lease);
}

/** Subscribes by a socket, whose text is collected while it is not paused. */
async function openReader({ port, run }: Opened, after: number) {
  const socket: Socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  const chunks: string[] = [];
  socket.setEncoding('utf8').on('data', (chunk: string) => void chunks.push(chunk));
  const query = `subscription{runEvents(runId:"${run.id}",after:${after}){events{seq,data},last,done}}`;
  socket.write(
    `GET /graphql?query=${encodeURIComponent(query)} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n` +
      `Authorization: Bearer ${await tokenFor('alice')}\r\nConnection: close\r\n\r\n`,
  );
  const closed = once(socket, 'close');
  return {
    socket,
    batches: () => batchesOf(chunks.join('')),
    async toTheEnd() {
      socket.resume();
      await closed;
      return batchesOf(chunks.join(''));
    },
  };
}

interface Batch {
  readonly events: readonly { readonly seq: number }[];
  readonly last: number;
  readonly done: boolean;
}

function batchesOf(text: string): readonly Batch[] {
  // Chunks of HTTP/1.1 begin with their size in a line.
  const body = text.replaceAll(/\r\n[\da-f]+\r\n/g, '');
  return SSE.resultsOf(body).map(({ data, errors }) => {
    expect(errors).toBeUndefined();
    const { runEvents }: { runEvents: Batch } = Object(data);
    return runEvents;
  });
}

function seqsOf(batches: readonly Batch[]): readonly number[] {
  return batches.flatMap(({ events }) => events.map(({ seq }) => seq));
}

const ALL = Array.from({ length: EVENTS + 2 }, (_, index) => index + 1);

describe('a slow reader of events', () => {
  it('should be waited for with a part of them, and get all once it reads', async () => {
    const opened = await openRun();
    const reader = await openReader(opened, 0);
    await until(() => opened.subscribers.count() === 1);
    reader.socket.pause();
    await appendAll(opened);
    expect(opened.subscribers.count()).toBe(1);
    // Half of what may wait, and the batch that passed it.
    expect(opened.waited.most).toBeGreaterThan(MAX_BYTES_BEHIND / 2);
    expect(opened.waited.most).toBeLessThan(MAX_BYTES_BEHIND / 2 + 2 * MAX_BYTES_OF_BATCH);
    const batches = await reader.toTheEnd();
    expect(seqsOf(batches)).toEqual(ALL);
    expect(batches.at(-1)?.done).toBe(true);
    expect(opened.waited.most).toBeLessThan(MAX_BYTES_BEHIND / 2 + 2 * MAX_BYTES_OF_BATCH);
    expect(opened.subscribers.count()).toBe(0);
    expect(opened.logged).toEqual([]);
  });

  it('should go on from `last` after it was cut off', async () => {
    const opened = await openRun();
    await appendAll(opened);
    const seqs: number[] = [];
    let last = 0;
    for (let cuts = 0; cuts < 3; cuts++) {
      const reader = await openReader(opened, last);
      await until(() => reader.batches().length > 1);
      reader.socket.pause();
      opened.subscribers.interrupt();
      const batches = await reader.toTheEnd();
      seqs.push(...seqsOf(batches));
      last = batches.at(-1)?.last ?? last;
    }
    const rest = await (await openReader(opened, last)).toTheEnd();
    expect([...seqs, ...seqsOf(rest)]).toEqual(ALL);
    expect(opened.subscribers.count()).toBe(0);
  });
});
