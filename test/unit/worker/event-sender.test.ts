import { EventEmitter, once } from 'node:events';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createEventSender } from '../../../src/worker/event-sender.ts';
import type { LeaseResult } from '../../../src/worker/worker-calls.ts';

const HELD: LeaseResult = { held: true, cancelled: false };

interface Call {
  readonly offset: number;
  readonly events: readonly { readonly type: string; readonly data: unknown }[];
}

/** A sender, and the calls that it has made. @param answer what the server answers to each call */
function senderWith(answer: (call: Call) => LeaseResult | Promise<LeaseResult> = () => HELD) {
  const calls: Call[] = [];
  const refusals: string[] = [];
  const sender = createEventSender({
    async append(offset, events) {
      const call = { offset, events: events.map((event): Call['events'][number] => JSON.parse(event)) };
      calls.push(call);
      return answer(call);
    },
    onRefused: ({ message }) => refusals.push(message),
  });
  return { sender, calls, refusals };
}

describe('the sender of events', () => {
  it('should send events in order, at most 100 a call, each with how many were sent before', async () => {
    const { sender, calls } = senderWith();
    for (let index = 0; index < 250; index++) await sender.emit('CUSTOM', { index });
    await sender.flush();
    expect(calls.map(({ offset, events }) => [offset, events.length])).toEqual([
      [0, 100],
      [100, 100],
      [200, 50],
    ]);
    expect(calls.flatMap(({ events }) => events)).toEqual(
      Array.from({ length: 250 }, (_, index) => ({ type: 'CUSTOM', data: { index } })),
    );
  });

  it('should send events of 32 KiB at once, without a flush', async () => {
    const calling = new EventEmitter();
    const called = once(calling, 'call');
    const { sender, calls } = senderWith(() => {
      calling.emit('call');
      return HELD;
    });
    await sender.emit('CUSTOM', { text: 'x'.repeat(20_000) });
    expect(calls).toEqual([]);
    await sender.emit('CUSTOM', { text: 'x'.repeat(20_000) });
    await called;
    expect(calls).toHaveLength(1);
  });

  it('should gather events for 50 ms, however soon the batch before them is stored', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const server = new EventEmitter();
    const { sender, calls } = senderWith(async () => {
      await once(server, 'stored');
      return HELD;
    });
    const sizes = async (): Promise<readonly number[]> => {
      await new Promise(setImmediate);
      return calls.map(({ events }) => events.length);
    };
    await sender.emit('CUSTOM', {});
    vi.advanceTimersByTime(50);
    await sender.emit('CUSTOM', {});
    server.emit('stored');
    expect(await sizes()).toEqual([1]);
    await sender.emit('CUSTOM', {});
    vi.advanceTimersByTime(50);
    expect(await sizes()).toEqual([1, 2]);
    // Those that have waited for longer are sent as soon as they can be, with those that came later.
    await sender.emit('CUSTOM', {});
    vi.advanceTimersByTime(50);
    await sender.emit('CUSTOM', {});
    server.emit('stored');
    expect(await sizes()).toEqual([1, 2, 2]);
    sender.stop();
  });

  it('should ask its caller to wait while much is waiting', async () => {
    const server = new EventEmitter();
    const back = once(server, 'back');
    const { sender } = senderWith(async () => {
      await back;
      return HELD;
    });
    let emitted = 0;
    const all = (async () => {
      for (; emitted < 40; emitted++) await sender.emit('CUSTOM', { text: 'x'.repeat(60_000) });
    })();
    // All that can happen before the first call is answered.
    await new Promise(setImmediate);
    expect(emitted).toBeLessThan(25);
    server.emit('back');
    await all;
    expect(emitted).toBe(40);
  });

  it('should flush what was added before, and wait for nothing that is added meanwhile', async () => {
    const { sender, calls } = senderWith(async ({ offset }) => {
      // Another part of the handler that emits as fast as the server answers.
      if (offset < 1_000) await sender.emit('CUSTOM', { offset });
      return HELD;
    });
    await sender.emit('CUSTOM', {});
    await sender.flush();
    expect(calls.length).toBeLessThan(10);
    sender.stop();
  });

  it('should send what is added at the very moment in which all was sent', async () => {
    const { sender, calls } = senderWith();
    await sender.emit('CUSTOM', {});
    const flushed = sender.flush();
    // In each of the turns in which the first call is being answered.
    for (let turn = 0; turn < 10; turn++) {
      await Promise.resolve();
      void sender.emit('CUSTOM', { text: 'x'.repeat(40_000) });
      const end = turn + 2;
      const all = sender.flush().then(() => calls.flatMap(({ events }) => events).length);
      expect(await all).toBe(end);
    }
    await flushed;
  });

  it('should store all of several that emit and flush at once', async () => {
    const { sender, calls } = senderWith(async () => {
      await Promise.resolve();
      return HELD;
    });
    async function emitMany(): Promise<void> {
      for (let index = 0; index < 20; index++) {
        for (let turn = 0; turn < index % 7; turn++) await Promise.resolve();
        await sender.emit('CUSTOM', { text: 'x'.repeat(33_000) });
        await sender.flush();
      }
    }
    await Promise.all([emitMany(), emitMany(), emitMany()]);
    expect(calls.flatMap(({ events }) => events)).toHaveLength(60);
  });

  it('should drop what is added once it was closed, and send the rest', async () => {
    const { sender, calls } = senderWith();
    await sender.emit('CUSTOM', { index: 1 });
    sender.close();
    await sender.emit('CUSTOM', { index: 2 });
    await sender.flush();
    expect(calls).toEqual([{ offset: 0, events: [{ type: 'CUSTOM', data: { index: 1 } }] }]);
  });

  it('should drop events once the server refuses some, and say so once', async () => {
    const refusal = { code: 'INVALID', message: 'The run has 20,000 events.' };
    const { sender, calls, refusals } = senderWith(({ offset }) => (offset === 0 ? HELD : { refusal }));
    await sender.emit('CUSTOM', {});
    await sender.flush();
    for (let index = 0; index < 3; index++) {
      await sender.emit('CUSTOM', {});
      await sender.flush();
    }
    expect(calls).toHaveLength(2);
    expect(refusals).toEqual([refusal.message]);
  });

  it('should send nothing after it was stopped', async () => {
    const { sender, calls } = senderWith();
    await sender.emit('CUSTOM', {});
    sender.stop();
    await sender.emit('CUSTOM', {});
    await sender.flush();
    expect(calls).toEqual([]);
  });

  it.each([
    ['an empty type', '', {}],
    ['a type of 65 characters', 'x'.repeat(65), {}],
    ['data of more than 64 KiB', 'CUSTOM', { text: 'x'.repeat(65_536) }],
    ['data with a lone surrogate', 'CUSTOM', { text: '\ud800' }],
  ])('should throw for %s, and lose nothing else', async (_, type, data) => {
    const { sender, calls } = senderWith();
    await sender.emit('CUSTOM', { index: 1 });
    expect(() => sender.emit(type, data)).toThrow(TypeError);
    await sender.flush();
    expect(calls).toEqual([{ offset: 0, events: [{ type: 'CUSTOM', data: { index: 1 } }] }]);
  });
});
