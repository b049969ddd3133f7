import { describe, expect, it } from 'vitest';
import { type AsyncQueue, createAsyncQueue } from '../../../src/subscriptions/async-queue.ts';

const DONE = { done: true, value: undefined };

function openQueue() {
  let closed = 0;
  const queue = createAsyncQueue<string>(() => void closed++);
  return { queue, closed: () => closed };
}

describe('an async queue', () => {
  it('should give its values in order, those from before the first call included', async () => {
    const { queue } = openQueue();
    queue.push('a');
    queue.push('b', 10);
    expect([queue.length, queue.bytes]).toEqual([2, 10]);
    expect(await queue.next()).toEqual({ done: false, value: 'a' });
    expect(await queue.next()).toEqual({ done: false, value: 'b' });
    expect([queue.length, queue.bytes]).toEqual([0, 0]);
    const next = queue.next();
    queue.push('c');
    expect(await next).toEqual({ done: false, value: 'c' });
  });

  it('should give several readers each value once, and end for all of them', async () => {
    const { queue } = openQueue();
    const reads = [queue.next(), queue.next(), queue.next()];
    queue.push('a');
    queue.fail(new Error('over'));
    const results = await Promise.allSettled(reads);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[2]).toMatchObject({ value: DONE });
  });

  it.each<[string, (queue: AsyncQueue<string>) => unknown, unknown[]]>([
    ['end', (queue) => queue.end(), ['a', 'b']],
    ['end with a last value', (queue) => queue.end('last'), ['a', 'b', 'last']],
    ['end with one value alone', (queue) => queue.endWith('last'), ['last']],
    ['be returned from', (queue) => queue.return(), []],
  ])('should %s once, and take nothing after that', async (_kind, end, left) => {
    const { queue, closed } = openQueue();
    queue.push('a', 1);
    queue.push('b', 1);
    await end(queue);
    expect(closed()).toBe(1);
    queue.push('late');
    queue.end('late');
    queue.endWith('late');
    queue.fail(new Error('late'));
    const values: unknown[] = [];
    for await (const value of queue) values.push(value);
    expect(values).toEqual(left);
    expect(await queue.next()).toEqual(DONE);
    await queue.return();
    expect(closed()).toBe(1);
    expect([queue.length, queue.bytes]).toEqual([0, 0]);
  });

  it('should fail without what waits, for the next call alone', async () => {
    const { queue, closed } = openQueue();
    queue.push('a', 1);
    queue.fail(new Error('over'));
    expect([queue.length, queue.bytes, closed()]).toEqual([0, 0, 1]);
    queue.push('late');
    await expect(queue.next()).rejects.toThrow('over');
    expect(await queue.next()).toEqual(DONE);
  });

  it('should not fail for who has returned', async () => {
    const { queue } = openQueue();
    queue.fail(new Error('over'));
    await queue.return();
    expect(await queue.next()).toEqual(DONE);
  });
});
