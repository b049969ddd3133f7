import { describe, expect, it } from 'vitest';
import { MAX_EVENTS_BEHIND, MAX_PAYLOAD_BYTES_BEHIND } from '../../../src/limits.ts';
import type { Change, ShownPayloads } from '../../../src/store/change.ts';
import type { RunPayloads } from '../../../src/store/execution.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { createChangeFeed } from '../../../src/subscriptions/change-feed.ts';

const alice = owner('alice');

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

/** A thread has the output of a run as its values. */
function valuesChanged(valuesRunId: string): Change {
  const thread = { id: '1', metadata: {}, status: 'IDLE', createdAt: '', updatedAt: '' } as const;
  return {
    resource: 'thread',
    before: { ...thread, valuesRunId: null },
    after: { ...thread, valuesRunId },
  };
}

describe('the change feed', () => {
  it('should be of one owner and of one kind of resource', async () => {
    const changes = createChangeFeed();
    const queue = changes.subscribe('thread', alice, (change) => change);
    changes.publish(owner('bob'), [created('1')]);
    changes.publish(owner('run:alice'), [created('2')]);
    changes.publish(alice, [{ resource: 'assistant', before: null, after: null }]);
    changes.publish(alice, [created('3')]);
    expect(await queue.next()).toEqual({ done: false, value: created('3') });
    expect(queue.length).toBe(0);
  });

  it('should leave out what a subscriber does not want', async () => {
    const changes = createChangeFeed();
    const queue = changes.subscribe('thread', alice, ({ after }) => (after?.id === '2' ? after.id : null));
    changes.publish(alice, [created('1'), created('2'), created('3')]);
    expect(queue.length).toBe(1);
    expect(await queue.next()).toEqual({ done: false, value: '2' });
  });

  it('should know whose changes are subscribed to, until nobody does any more', async () => {
    const changes = createChangeFeed();
    expect(changes.hasSubscribers(alice)).toBe(false);
    const [first, second] = [
      changes.subscribe('thread', alice, (change) => change),
      changes.subscribe('run', alice, (change) => change),
    ];
    expect([changes.hasSubscribers(alice), changes.hasSubscribers(owner('bob'))]).toEqual([true, false]);
    await first.return();
    expect(changes.hasSubscribers(alice)).toBe(true);
    second.end();
    expect(changes.hasSubscribers(alice)).toBe(false);
  });

  it('should call no subscriber that has gone', async () => {
    const changes = createChangeFeed();
    let seen = 0;
    const queues = Array.from({ length: 50 }, () => changes.subscribe('thread', alice, () => ++seen));
    for (const queue of queues) await queue.return();
    changes.publish(alice, [created('1')]);
    expect(seen).toBe(0);
  });
});

describe('a subscriber that falls behind', () => {
  it('should be ended by what comes when it is 1,000 events behind, with nothing kept for it', async () => {
    const changes = createChangeFeed();
    const queue = changes.subscribe('thread', alice, (change) => change);
    for (let i = 0; i < MAX_EVENTS_BEHIND; i += 1) changes.publish(alice, [created('1')]);
    expect(queue.length).toBe(1_000);
    // Changes that the subscriber skips do not count, nor do those of another subscriber.
    changes.publish(alice, [{ resource: 'run', before: null, after: null }]);
    changes.publish(owner('bob'), [created('1')]);
    expect(queue.length).toBe(1_000);
    changes.publish(alice, [created('1')]);
    expect(queue.length).toBe(0);
    expect(changes.hasSubscribers(alice)).toBe(false);
    await expect(queue.next()).rejects.toMatchObject({ extensions: { code: 'LIMIT_EXCEEDED' } });
    expect(await queue.next()).toEqual({ done: true, value: undefined });
  });

  it('should be ended by what comes when its events hold more than 32 MiB of payloads', async () => {
    const changes = createChangeFeed();
    const queue = changes.subscribe('thread', alice, (change) => change);
    const half = { input: null, output: 'x'.repeat(MAX_PAYLOAD_BYTES_BEHIND / 2), checkpoint: null };
    const one = { input: null, output: null, checkpoint: 'x' };
    const payloads: ShownPayloads = new Map<string, RunPayloads>([
      ['half', half],
      ['one', one],
      ['not shown', half],
    ]);
    for (const id of ['half', 'half', 'one']) changes.publish(alice, [valuesChanged(id)], payloads);
    expect([queue.length, queue.bytes]).toEqual([3, MAX_PAYLOAD_BYTES_BEHIND + 1]);
    await queue.next();
    changes.publish(alice, [valuesChanged('half')], payloads);
    expect([queue.length, queue.bytes]).toEqual([3, MAX_PAYLOAD_BYTES_BEHIND + 1]);
    changes.publish(alice, [created('1')]);
    expect([queue.length, queue.bytes]).toEqual([0, 0]);
    await expect(queue.next()).rejects.toMatchObject({ extensions: { code: 'LIMIT_EXCEEDED' } });
  });

  it('should go on when it is 999 behind, and when it has caught up', async () => {
    const changes = createChangeFeed();
    const queue = changes.subscribe('thread', alice, (change) => change);
    for (let i = 0; i < MAX_EVENTS_BEHIND; i += 1) changes.publish(alice, [created('1')]);
    await queue.next();
    changes.publish(alice, [created('1')]);
    expect(queue.length).toBe(1_000);
  });

  it('should not be ended within one mutation, however much it changes', async () => {
    const changes = createChangeFeed();
    const queue = changes.subscribe('thread', alice, (change) => change);
    changes.publish(
      alice,
      Array.from({ length: 5_000 }, () => created('1')),
    );
    expect(queue.length).toBe(5_000);
    for (let i = 0; i < 4_001; i += 1) await queue.next();
    changes.publish(alice, [created('1'), created('1')]);
    expect(queue.length).toBe(1_001);
  });
});
