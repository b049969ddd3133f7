import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { MAX_BYTES_BEHIND } from '../../../src/limits.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
import {
  createSubscribers,
  StreamInterrupted,
  type Subscriber,
  type Subscribers,
} from '../../../src/subscriptions/subscribers.ts';

const HOUR = 3_600_000;
const DONE = { done: true, value: undefined };

/** A subscription of alice's; its results are texts, and errors as they are. */
function open(subscribers: Subscribers, expiresAt = Date.now() + HOUR, onClosed = () => {}) {
  return subscribers.open<unknown>(
    { owner: owner('alice'), worker: null, expiresAt },
    (error) => error,
    onClosed,
  );
}

function useFakeTimers(): void {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
}

describe('the end of a token', () => {
  it('should be told in its very millisecond, after what came before, and leave no timer', async () => {
    useFakeTimers();
    const subscriber = open(createSubscribers(), Date.now() + 5_000);
    const { results } = subscriber;
    vi.advanceTimersByTime(4_999);
    subscriber.send('1', 1);
    vi.advanceTimersByTime(1);
    subscriber.send('2', 1);
    expect(await results.next()).toEqual({ done: false, value: '1' });
    expect(await results.next()).toMatchObject({ value: { extensions: { code: 'UNAUTHENTICATED' } } });
    expect(await results.next()).toEqual(DONE);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('should be told at once where it has ended already', async () => {
    useFakeTimers();
    const { results } = open(createSubscribers(), Date.now() - 1);
    vi.advanceTimersByTime(1);
    expect(await results.next()).toMatchObject({ value: { extensions: { code: 'UNAUTHENTICATED' } } });
    expect(await results.next()).toEqual(DONE);
  });
});

describe('an open subscription', () => {
  it.each<[string, (subscribers: Subscribers, subscriber: Subscriber<unknown>) => unknown]>([
    ['its client goes away', (_, { results }) => results.return()],
    ['it is interrupted', (subscribers) => subscribers.interrupt()],
    ['the server closes', (subscribers) => subscribers.close()],
    ['it ends, more than once', (_, { results }) => [results.end(), results.end(), results.return()]],
    ['its token ends', () => vi.advanceTimersByTime(HOUR)],
    [
      'it is read too slowly',
      (_, subscriber) => {
        subscriber.send('large', MAX_BYTES_BEHIND);
        subscriber.send('one too many', 1);
      },
    ],
  ])('should give its place back when %s', async (_kind, end) => {
    useFakeTimers();
    const subscribers = createSubscribers({ ofOwner: 1 });
    let closed = 0;
    const subscriber = open(subscribers, Date.now() + HOUR, () => void closed++);
    expect(() => open(subscribers)).toThrow('close one first');
    expect([subscribers.count(), closed]).toEqual([1, 0]);
    await end(subscribers, subscriber);
    expect([subscribers.count(), closed, vi.getTimerCount()]).toEqual([0, 1, 0]);
    // One place, not two.
    await subscriber.results.return();
    expect([subscribers.count(), closed]).toEqual([0, 1]);
  });

  it('should be interrupted without what waits and without a last result', async () => {
    const subscribers = createSubscribers();
    const subscriber = open(subscribers);
    const { results } = subscriber;
    subscriber.send('1', 1);
    subscribers.interrupt();
    await expect(results.next()).rejects.toBeInstanceOf(StreamInterrupted);
    expect(await results.next()).toEqual(DONE);
    const later = open(subscribers);
    later.send('2', 1);
    expect(await later.results.next()).toEqual({ done: false, value: '2' });
    await later.results.return();
  });

  it('should be interrupted as soon as it opens, once the server closes', async () => {
    const subscribers = createSubscribers();
    subscribers.close();
    let closed = 0;
    const { results } = open(subscribers, Date.now() + HOUR, () => void closed++);
    await expect(results.next()).rejects.toBeInstanceOf(StreamInterrupted);
    expect([subscribers.count(), closed]).toEqual([0, 1]);
  });
});

describe('a subscriber that reads too slowly', () => {
  it('should be ended by the result after too many bytes, which is all that it gets', async () => {
    const subscribers = createSubscribers({ bytesBehind: 1_000 });
    const subscriber = open(subscribers);
    const { results } = subscriber;
    subscriber.send('1', 1_000);
    expect(results.length).toBe(1);
    subscriber.send('2', 1);
    expect(await results.next()).toMatchObject({ value: { extensions: { code: 'LIMIT_EXCEEDED' } } });
    expect(await results.next()).toEqual(DONE);
  });

  it('should be ended for many small results as for a few large ones', () => {
    const subscribers = createSubscribers({ bytesBehind: 1_000 });
    const subscriber = open(subscribers);
    for (let i = 0; i < 11; i++) subscriber.send('', 0);
    expect(subscribers.count()).toBe(1);
    subscriber.send('', 0);
    expect(subscribers.count()).toBe(0);
  });

  it('should go on once it has read', async () => {
    const subscribers = createSubscribers({ bytesBehind: 1_000 });
    const subscriber = open(subscribers);
    const { results } = subscriber;
    for (let i = 0; i < 10; i++) {
      subscriber.send('large', 10_000);
      expect(await results.next()).toEqual({ done: false, value: 'large' });
    }
    expect(subscribers.count()).toBe(1);
    await results.return();
  });
});
