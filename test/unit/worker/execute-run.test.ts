import { EventEmitter, once } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { Claim, ClaimedRun, JsonObject, RunHandler } from '../../../src/worker/claimed-run.ts';
import { executeRun } from '../../../src/worker/execute-run.ts';
import type { LeaseListener } from '../../../src/worker/heartbeats.ts';
import type { WorkerReport } from '../../../src/worker/report.ts';
import { RunFailure } from '../../../src/worker/run-failure.ts';
import type { WorkerCalls } from '../../../src/worker/worker-calls.ts';
import { existing } from '../../support/records.ts';

const HELD = { held: true, cancelled: false };

const CLAIM: Claim = {
  lease: 'lease',
  owner: 'alice',
  id: 'run',
  threadId: 'thread',
  assistantId: 'assistant',
  assistantVersion: 1,
  graphId: 'graph',
  attempt: 1,
  config: {},
  context: {},
  input: null,
  values: null,
  checkpoint: null,
  resumes: null,
  metadata: {},
  secondsLeft: null,
  traceparent: null,
};

/** Executes a run. @param change other calls than those that are always accepted */
function execute(handler: RunHandler, change: Partial<WorkerCalls> = {}) {
  const calls: string[] = [];
  const ends: JsonObject[] = [];
  const reports: WorkerReport[] = [];
  const listeners = new Map<string, LeaseListener>();
  const accepted: WorkerCalls = {
    claim: () => Promise.resolve([]),
    async append(_, offset, events) {
      calls.push(`append ${offset} ${events.length}`);
      return HELD;
    },
    async checkpoint(_, values) {
      calls.push(`save ${values}`);
      return HELD;
    },
    async finish(_, end) {
      calls.push('finish');
      ends.push(end);
      return { accepted: true, status: String(end['status']) };
    },
    async release() {
      calls.push('release');
    },
  };
  const execution = executeRun(CLAIM, handler, {
    calls: { ...accepted, ...change },
    heartbeats: {
      add() {},
      listen: (lease, listener) => listeners.set(lease, listener),
      remove: (lease) => listeners.delete(lease),
      stop: () => Promise.resolve(),
    },
    report: (report) => reports.push(report),
  });
  return { execution, calls, ends, reports, listeners };
}

/** What a call does when the server stays away until the end of a drain. */
function stayAway(): Promise<never> {
  return Promise.reject(new Error('The server was unavailable until the end of the drain.'));
}

/** What a handler returns or throws though no JSON can be made of it. */
const CYCLE: Record<string, unknown> = {};
CYCLE['itself'] = CYCLE;

describe('an execution', () => {
  it.each([
    ['a BigInt', () => ({ count: 1n })],
    ['a cycle', () => CYCLE],
    ['a function', () => () => 1],
    ['more than 512 KiB', () => ({ text: 'x'.repeat(600_000) })],
  ])('should end with INVALID_OUTPUT for %s', async (_, output) => {
    // @ts-expect-error -- What JavaScript may return.
    const { execution, ends } = execute(output);
    await execution.ended;
    expect(ends).toEqual([
      { status: 'ERROR', error: { code: 'INVALID_OUTPUT', message: expect.anything() } },
    ]);
  });

  it('should end with INVALID_OUTPUT for a question that cannot be sent', async () => {
    const { execution, ends } = execute(({ interrupt }) => interrupt({ count: 1n }));
    await execution.ended;
    expect(ends).toMatchObject([{ status: 'ERROR', error: { code: 'INVALID_OUTPUT' } }]);
  });

  it('should end with INVALID_OUTPUT for details that cannot be sent', async () => {
    const { execution, ends } = execute(() => {
      throw new RunFailure('It failed.', { details: CYCLE });
    });
    await execution.ended;
    expect(ends).toMatchObject([{ status: 'ERROR', error: { code: 'INVALID_OUTPUT' } }]);
  });

  it.each([
    ['an object without a text', Object.create(null)],
    ['an error whose message is no text', Object.assign(new Error('x'), { message: Object.create(null) })],
    ['a symbol', Symbol('symbol')],
    ['undefined', undefined],
  ])('should end with WORKER_ERROR where a handler throws %s', async (_, thrown) => {
    const { execution, ends } = execute(() => {
      throw thrown;
    });
    await execution.ended;
    expect(ends).toMatchObject([{ status: 'ERROR', error: { code: 'WORKER_ERROR' }, retry: true }]);
  });

  it('should end with what a failure says, which has a pause without another attempt', async () => {
    const { execution, ends } = execute(() => {
      throw new RunFailure('Not now.', { code: 'BUSY', retryAfterSeconds: 5 });
    });
    await execution.ended;
    expect(ends).toEqual([{ status: 'ERROR', error: { code: 'BUSY', message: 'Not now.' }, retry: false }]);
  });

  it('should store all that a handler saved without waiting for it, in order', async () => {
    const { execution, calls } = execute(({ emit, save }) => {
      void emit('CUSTOM');
      void save({ step: 1 });
      void emit('CUSTOM');
      void save({ step: 2 });
    });
    await execution.ended;
    expect(calls).toEqual(['append 0 2', 'save {"step":1}', 'save {"step":2}', 'finish']);
  });

  it('should drop what is emitted once the handler has returned, and refuse what is saved', async () => {
    let run: ClaimedRun | null = null;
    const { execution, calls } = execute(
      (claimed) => {
        run = claimed;
        void claimed.emit('CUSTOM');
      },
      {
        // A timer of the handler that goes on: without an end, nothing would ever be flushed.
        async append(_, offset, events) {
          calls.push(`append ${offset} ${events.length}`);
          await run?.emit('CUSTOM');
          return HELD;
        },
      },
    );
    await execution.ended;
    const ended = existing<ClaimedRun>(run);
    await ended.emit('CUSTOM');
    await expect(ended.save({ late: true })).rejects.toThrow('not held');
    expect(calls).toEqual(['append 0 1', 'finish']);
  });

  it('should end the run whose handler had ended when the worker gives runs back', async () => {
    const server = new EventEmitter();
    const appending = once(server, 'appending');
    const { execution, calls } = execute(({ emit }) => void emit('CUSTOM'), {
      async append() {
        const back = once(server, 'back');
        server.emit('appending');
        await back;
        return HELD;
      },
    });
    await appending;
    execution.release();
    server.emit('back');
    await execution.ended;
    expect(calls).toEqual(['finish']);
  });

  it('should not abort the signal of a run whose end is being stored, which a heartbeat calls lost', async () => {
    let signal: AbortSignal | null = null;
    const { execution, listeners, reports } = execute(
      (run) => {
        signal = run.signal;
      },
      {
        async finish() {
          listeners.get('lease')?.lost();
          return { accepted: true, status: 'SUCCESS' };
        },
      },
    );
    await execution.ended;
    expect(existing<AbortSignal>(signal).aborted).toBe(false);
    expect(reports.at(-1)).toMatchObject({ type: 'ENDED' });
  });

  it('should end as cancelled where the worker gives runs back meanwhile', async () => {
    const { execution, ends, listeners } = execute(
      ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
    );
    await Promise.resolve();
    listeners.get('lease')?.cancelled();
    execution.release();
    await execution.ended;
    expect(ends).toEqual([{ status: 'CANCELLED' }]);
  });

  it('should not end a run whose events could not be stored until the end of a drain', async () => {
    const { execution, calls, reports } = execute(({ emit }) => void emit('CUSTOM'), { append: stayAway });
    await execution.ended;
    expect(calls).toEqual([]);
    expect(reports.at(-1)).toMatchObject({ type: 'LOST' });
  });

  it('should not end a run with an error where its end could not be sent until the end of a drain', async () => {
    let attempts = 0;
    const { execution, reports } = execute(() => ({ answer: 42 }), {
      finish() {
        attempts++;
        return stayAway();
      },
    });
    await execution.ended;
    expect(attempts).toBe(1);
    expect(reports.at(-1)).toMatchObject({ type: 'FAILED' });
  });
});
