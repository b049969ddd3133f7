import { describe, expect, it } from 'vitest';
import { CallBatches } from '../../../src/store/postgres/client/call-batches.ts';

/** Batches whose runs are ended by hand, in the order in which they began. */
function openBatches() {
  const batches = new CallBatches<number>();
  const begun: { readonly calls: readonly number[]; end(error?: Error): void }[] = [];
  const add = (call: number, { key = 'a', bytes = 0 } = {}): Promise<void> =>
    batches.add(key, call, bytes, (calls) => {
      return new Promise((resolve, reject) => {
        begun.push({ calls, end: (error) => (error === undefined ? resolve() : reject(error)) });
      });
    });
  return { add, begun, callsOf: () => begun.map(({ calls }) => calls) };
}

/** All that is queued to run before the next event has run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('the batches of calls', () => {
  it('should put calls together that are made at the same time', async () => {
    const { add, begun, callsOf } = openBatches();
    const done = Promise.all([add(1), add(2), add(3)]);
    await settled();
    expect(callsOf()).toStrictEqual([[1, 2, 3]]);
    begun[0]?.end();
    await done;
  });

  it('should put calls together that come while two batches run', async () => {
    const { add, begun, callsOf } = openBatches();
    const done: Promise<void>[] = [];
    for (const call of [1, 2, 3, 4]) {
      done.push(add(call));
      await settled();
    }
    expect(callsOf()).toStrictEqual([[1], [2]]);
    begun[1]?.end();
    await done[1];
    await settled();
    expect(callsOf()).toStrictEqual([[1], [2], [3, 4]]);
    for (const { end } of begun) end();
    await Promise.all(done);
  });

  it('should keep calls of other keys apart', async () => {
    const { add, begun, callsOf } = openBatches();
    const done = Promise.all([add(1), add(2, { key: 'b' }), add(3)]);
    await settled();
    expect(callsOf()).toStrictEqual([[1, 3], [2]]);
    for (const { end } of begun) end();
    await done;
  });

  it('should have 50 calls and 1 MiB in a batch at most, and a larger call alone', async () => {
    const { add, begun, callsOf } = openBatches();
    const many = Promise.all(Array.from({ length: 60 }, (_, index) => add(index)));
    await settled();
    expect(callsOf().map(({ length }) => length)).toStrictEqual([50, 10]);
    const large = Promise.all(
      [0, 600_000, 600_000, 2_000_000, 0].map((bytes, call) => add(call, { key: 'b', bytes })),
    );
    await settled();
    expect(callsOf().slice(2)).toStrictEqual([[0, 1], [2]]);
    for (let i = 0; i < 5; i++) {
      for (const { end } of begun) end();
      await settled();
    }
    expect(callsOf().slice(4)).toStrictEqual([[3], [4]]);
    await Promise.all([many, large]);
  });

  it('should fail the calls of a batch that fails, and those that wait, and go on with the next', async () => {
    const { add, begun, callsOf } = openBatches();
    const calls: Promise<void>[] = [];
    for (const call of [1, 2, 3, 4]) {
      calls.push(add(call));
      await settled();
    }
    begun[0]?.end(new Error('no'));
    const failed = { status: 'rejected' };
    expect(await Promise.allSettled([calls[0], calls[2], calls[3]])).toMatchObject([failed, failed, failed]);
    begun[1]?.end();
    await calls[1];
    const next = add(5);
    await settled();
    begun[2]?.end();
    await next;
    expect(callsOf()).toStrictEqual([[1], [2], [5]]);
  });
});
