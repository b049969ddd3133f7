import { describe, expect, it } from 'vitest';
import { MAX_BYTES_OF_BATCH, MAX_EVENTS_OF_BATCH } from '../../../src/limits.ts';
import type { AppendedEvents } from '../../../src/store/execution.ts';
import { createMemoryStores } from '../../../src/store/memory/stores.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { createChangeFeed } from '../../../src/subscriptions/change-feed.ts';
import { readRunEvents, type RunEventBatch } from '../../../src/subscriptions/run-event-reader.ts';
import { append, claimNew, finish } from '../../support/worker.ts';

const alice = owner('alice');

/**
 * A run that a worker has, with a reader that has got the first batch. Stored events are published when the test says
 * so.
 */
async function reading() {
  const changes = createChangeFeed();
  const untold: AppendedEvents[] = [];
  const stores = createMemoryStores({ publishEvents: (_, appended) => void untold.push(appended) });
  const { run, lease } = await claimNew(stores, alice);
  untold.length = 0;
  const open = async (after: number) => {
    const opened = readRunEvents({ stores, changes }, alice, run.id, after);
    await opened.next();
    return opened;
  };
  const reader = await open(0);
  return {
    stores,
    lease,
    reader,
    open,
    untold,
    tell: (...appended: readonly (AppendedEvents | undefined)[]) => {
      for (const one of appended) if (one !== undefined) changes.publishEvents(alice, one);
    },
  };
}

/** All that is left to read, up to the end. */
async function restOf(reader: AsyncIterable<RunEventBatch>): Promise<readonly RunEventBatch[]> {
  const batches: RunEventBatch[] = [];
  for await (const batch of reader) batches.push(batch);
  return batches;
}

function seqsOf(batches: readonly RunEventBatch[]): readonly number[] {
  return batches.flatMap(({ events }) => events.map(({ seq }) => seq));
}

describe('a reader of events', () => {
  it('should get each once and in order, in whatever order it is told of them', async () => {
    const { stores, lease, reader, untold, tell } = await reading();
    for (const [offset, type] of ['A', 'B', 'C'].entries())
      await append(stores, alice, lease, offset, [type]);
    await finish(stores, alice, lease);
    const [a, b, c, end] = untold;
    tell(a, c, b, end);
    expect(seqsOf(await restOf(reader))).toEqual([2, 3, 4, 5]);
  });

  it('should share a batch with the others that get the same events', async () => {
    const { stores, lease, reader, open, untold, tell } = await reading();
    const [other, later] = [await open(0), await open(2)];
    const pending = [reader.next(), other.next(), later.next()];
    await append(stores, alice, lease, 0, ['A', 'B']);
    tell(untold[0]);
    const [first, second, third] = (await Promise.all(pending)).map(({ value }) => value);
    expect(first?.events.map(({ seq }) => seq)).toEqual([2, 3]);
    expect(second).toBe(first);
    expect(third?.events.map(({ seq }) => seq)).toEqual([3]);
    await append(stores, alice, lease, 2, ['C']);
    tell(untold[1]);
    expect((await reader.next()).value).toMatchObject({ events: [{ seq: 4 }], last: 4 });
  });

  it('should miss none between the first that it is told of and the last', async () => {
    const { stores, lease, reader, untold, tell } = await reading();
    await append(stores, alice, lease, 0, ['A', 'B']);
    await append(stores, alice, lease, 2, ['C']);
    await finish(stores, alice, lease);
    const [first, , end] = untold;
    tell(first, end);
    expect(seqsOf(await restOf(reader))).toEqual([2, 3, 4, 5]);
  });

  it('should read those that another server has appended, while the run goes on', async () => {
    const { stores, lease, reader, untold, tell } = await reading();
    await append(stores, alice, lease, 0, ['A', 'B']);
    const [appended] = untold;
    tell(appended && { run: appended.run, events: [] });
    expect((await reader.next()).value).toMatchObject({ last: 3, done: false });
    await reader.return?.();
  });

  it('should get batches of a size, however much was appended since the last one', async () => {
    const { stores, lease, reader, untold, tell } = await reading();
    const types = Array.from({ length: 100 }, () => 'T');
    const text = 'x'.repeat(MAX_BYTES_OF_BATCH / 10);
    for (let offset = 0; offset < 1_000; offset += 100) await append(stores, alice, lease, offset, types);
    for (let offset = 1_000; offset < 1_050; offset += 5) {
      const events = Array.from({ length: 5 }, () => ({ type: 'T', data: { text } }));
      await stores.queue.appendEvents(alice, { lease, offset, events });
    }
    await finish(stores, alice, lease);
    tell(...untold);
    const batches = await restOf(reader);
    expect(seqsOf(batches)).toEqual(Array.from({ length: 1_051 }, (_, index) => index + 2));
    for (const { events } of batches) {
      expect(events.length).toBeLessThanOrEqual(MAX_EVENTS_OF_BATCH);
      const bytes = events.reduce((sum, { data }) => sum + data.length, 0);
      expect(bytes).toBeLessThan(MAX_BYTES_OF_BATCH + 2 * text.length);
    }
  });
});
