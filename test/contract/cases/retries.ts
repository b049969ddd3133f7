import { describe, expect, it } from 'vitest';
import { asOwner as owner } from '../../../src/store/owner.ts';
import type { FinishRequest } from '../../../src/store/queue.ts';
import { type OnBench, refusalsOf, START, valueOf } from '../../support/bench.ts';
import { eventually } from '../../support/eventually.ts';
import { existing, makeAssistant, makeThread, moveRun } from '../../support/records.ts';
import {
  claim,
  claimIds,
  claimNew,
  claimOne,
  enqueue,
  eventsOf,
  finish,
  heartbeat,
  payloadOf,
  saveCheckpoint,
  valuesOf,
} from '../../support/worker.ts';

const alice = owner('alice');
const error = { code: 'MODEL', message: 'The model is away.' };
const RETRY = { status: 'ERROR', error, retry: true } as const;

/** Attempts, and the times after which they end. */
export function testRetries(onBench: OnBench, onSweepingBench: OnBench): void {
  describe('attempts', () => {
    it('should be made again after 1, 2, 4 … 60 s where they are lost, as often as the run may', () =>
      onBench(async ({ stores, pass, clock }) => {
        const { id, threadId } = await enqueue(stores, alice, { maxAttempts: 9 });
        const pauses: number[] = [];
        for (let attempt = 1; attempt < 9; attempt++) {
          expect((await claimOne(stores, alice, { leaseSeconds: 5 })).run).toMatchObject({ id, attempt });
          await pass(5);
          const run = existing(await stores.runs.get(alice, id));
          expect(run).toMatchObject({ status: 'RUNNING', worker: null, attempt, error: null });
          const pause = (Date.parse(existing(run.availableAt)) - clock.now) / 1_000;
          pauses.push(pause);
          await pass(pause - 0.001);
          expect(await claim(stores, alice)).toStrictEqual([]);
          await pass(0.001);
        }
        expect(pauses).toStrictEqual([1, 2, 4, 8, 16, 32, 60, 60]);
        expect((await claimOne(stores, alice, { leaseSeconds: 5 })).run).toMatchObject({ id, attempt: 9 });
        await pass(5);
        expect(await stores.runs.get(alice, id)).toMatchObject({
          status: 'ERROR',
          error: { code: 'ATTEMPTS_EXHAUSTED', details: null },
          attempt: 9,
          worker: null,
          availableAt: null,
          finishedAt: new Date(clock.now).toISOString(),
        });
        expect(await stores.threads.get(alice, threadId)).toMatchObject({ status: 'ERROR' });
        expect(await claim(stores, alice)).toStrictEqual([]);
        expect((await eventsOf(stores, alice, id)).at(-1)).toBe('10 9 RUN_ERROR');
      }));

    it('should be made again after the same pauses where they are given back', () =>
      onBench(async ({ stores, pass, clock }) => {
        const { id } = await enqueue(stores, alice, { maxAttempts: 9 });
        const pauses: number[] = [];
        for (let attempt = 1; attempt < 9; attempt++) {
          const { lease } = await claimOne(stores, alice);
          expect(await finish(stores, alice, lease, RETRY)).toStrictEqual({
            accepted: true,
            status: 'RUNNING',
          });
          const run = existing(await stores.runs.get(alice, id));
          expect(run).toMatchObject({
            status: 'RUNNING',
            worker: null,
            attempt,
            error: null,
            finishedAt: null,
          });
          pauses.push((Date.parse(existing(run.availableAt)) - clock.now) / 1_000);
          await pass(existing(pauses.at(-1)));
        }
        expect(pauses).toStrictEqual([1, 2, 4, 8, 16, 32, 60, 60]);
      }));

    it.each([0, 7, 2_592_000])(
      'should be made again after the %d s that were asked for',
      (retryAfterSeconds) =>
        onBench(async ({ stores, pass, clock }) => {
          const { lease, run } = await claimNew(stores, alice);
          await finish(stores, alice, lease, { ...RETRY, retryAfterSeconds });
          expect(await stores.runs.get(alice, run.id)).toMatchObject({
            status: 'RUNNING',
            availableAt: new Date(clock.now + retryAfterSeconds * 1_000).toISOString(),
          });
          await pass(retryAfterSeconds);
          expect(await claimOne(stores, alice)).toMatchObject({ run: { id: run.id, attempt: 2 } });
        }),
    );

    it('should end the run with the error that the last one gives back', () =>
      onBench(async ({ stores, pass }) => {
        const { lease, run } = await claimNew(stores, alice, { maxAttempts: 2 });
        await finish(stores, alice, lease, { ...RETRY, error: { code: 'FIRST', message: '1' } });
        await pass(1);
        const last = await claimOne(stores, alice);
        const request = { ...RETRY, error: { ...error, details: { a: [1] } } };
        expect(await finish(stores, alice, last.lease, request)).toStrictEqual({
          accepted: true,
          status: 'ERROR',
        });
        expect(await stores.runs.get(alice, run.id)).toMatchObject({
          status: 'ERROR',
          error: { code: 'MODEL', message: 'The model is away.', details: { a: [1] } },
        });
      }));

    it('should be exhausted when the last one is lost, whatever an earlier one reported', () =>
      onBench(async ({ stores, pass }) => {
        const { lease, run } = await claimNew(stores, alice, { maxAttempts: 2 });
        await finish(stores, alice, lease, RETRY);
        await pass(1);
        await claimOne(stores, alice);
        await pass(30);
        expect(await stores.runs.get(alice, run.id)).toMatchObject({
          status: 'ERROR',
          error: { code: 'ATTEMPTS_EXHAUSTED' },
        });
      }));

    it('should be one where the run may have one', () =>
      onBench(async ({ stores, pass }) => {
        const { run } = await claimNew(stores, alice, { maxAttempts: 1 });
        await pass(30);
        expect(await stores.runs.get(alice, run.id)).toMatchObject({ status: 'ERROR', attempt: 1 });
      }));

    it('should keep a run that has begun before the others of its thread, and its thread BUSY', () =>
      onBench(async ({ stores, pass }) => {
        const { lease, run } = await claimNew(stores, alice);
        const next = await enqueue(stores, alice, { threadId: run.threadId });
        await finish(stores, alice, lease, { ...RETRY, retryAfterSeconds: 100 });
        expect(await claim(stores, alice)).toStrictEqual([]);
        expect(await stores.threads.get(alice, run.threadId)).toMatchObject({ status: 'BUSY' });
        await pass(100);
        expect(await claimIds(stores, alice)).toStrictEqual([run.id]);
        expect(await stores.runs.get(alice, next.id)).toStrictEqual(next);
      }));

    it('should go on from what the one before saved last', () =>
      onBench(async ({ stores, pass }) => {
        const { lease, run } = await claimNew(stores, alice, { input: { n: 1 } });
        await saveCheckpoint(stores, alice, lease, { step: 1 });
        await saveCheckpoint(stores, alice, lease, { step: 2 });
        await pass(30);
        await pass(1);
        const second = await claimOne(stores, alice);
        expect(second).toMatchObject({
          run: { id: run.id, attempt: 2 },
          checkpoint: '{"step":2}',
          input: '{"n":1}',
        });
        await finish(stores, alice, second.lease, RETRY);
        await pass(2);
        expect(await claimOne(stores, alice)).toMatchObject({
          checkpoint: '{"step":2}',
          run: { hasCheckpoint: true },
        });
      }));

    it('should leave a run to anybody between two of them', () =>
      onBench(async ({ stores, pass }) => {
        const { lease, run } = await claimNew(stores, alice);
        await saveCheckpoint(stores, alice, lease, { step: 1 });
        await finish(stores, alice, lease, RETRY);
        expect(await stores.runs.update(alice, run.id, { status: 'RUNNING' })).toMatchObject({
          value: { id: run.id },
        });
        expect(refusalsOf(await stores.runs.update(alice, run.id, { status: 'PENDING' }))).toStrictEqual([
          'CONFLICT status',
        ]);
        const moved = await moveRun(stores, alice, run.id, 'SUCCESS');
        expect(moved).toMatchObject({ status: 'SUCCESS', availableAt: null, hasOutput: true });
        expect(await payloadOf(stores, alice, run.id, 'output')).toStrictEqual({ step: 1 });
        await pass(60);
        expect(await claim(stores, alice)).toStrictEqual([]);
        expect(await eventsOf(stores, alice, run.id)).toStrictEqual(['1 1 RUN_STARTED', '2 1 RUN_FINISHED']);
      }));
  });

  describe('timeouts', () => {
    it('should end a run that a worker holds, and its worker hears of it', () =>
      onBench(async ({ stores, pass, clock }) => {
        const { lease, run, secondsLeft } = await claimNew(stores, alice, { timeoutSeconds: 20 });
        expect(secondsLeft).toBe(20);
        await saveCheckpoint(stores, alice, lease, { step: 1 });
        await pass(19);
        expect(await heartbeat(stores, alice, lease)).toMatchObject({ held: true });
        await pass(1);
        expect(await stores.runs.get(alice, run.id)).toMatchObject({
          status: 'TIMEOUT',
          error: { code: 'TIMEOUT', message: expect.stringContaining('20'), details: null },
          worker: null,
          hasOutput: false,
          finishedAt: new Date(clock.now).toISOString(),
        });
        expect(await stores.threads.get(alice, run.threadId)).toMatchObject({
          status: 'ERROR',
          valuesRunId: null,
        });
        expect(await heartbeat(stores, alice, lease)).toMatchObject({ held: false });
        expect(await finish(stores, alice, lease)).toStrictEqual({ accepted: false, status: 'TIMEOUT' });
        expect(await eventsOf(stores, alice, run.id)).toStrictEqual(['1 1 RUN_STARTED', '2 1 RUN_ERROR']);
      }));

    it('should count from the start of the first attempt, not from the creation', () =>
      onBench(async ({ stores, pass }) => {
        const { id } = await enqueue(stores, alice, { timeoutSeconds: 60 });
        await pass(1_000);
        const first = await claimOne(stores, alice, { leaseSeconds: 10 });
        expect(first.secondsLeft).toBe(60);
        await pass(10);
        await pass(1.5);
        const second = await claimOne(stores, alice, { leaseSeconds: 300 });
        expect(second).toMatchObject({ run: { id, attempt: 2 }, secondsLeft: 48 });
        await pass(48.499);
        expect(await stores.runs.get(alice, id)).toMatchObject({ status: 'RUNNING' });
        await pass(0.001);
        expect(await stores.runs.get(alice, id)).toMatchObject({ status: 'TIMEOUT', attempt: 2 });
      }));

    it('should end a run between two attempts', () =>
      onBench(async ({ stores, pass }) => {
        const { lease, run } = await claimNew(stores, alice, { timeoutSeconds: 20 });
        await finish(stores, alice, lease, { ...RETRY, retryAfterSeconds: 100 });
        await pass(20);
        expect(await stores.runs.get(alice, run.id)).toMatchObject({ status: 'TIMEOUT', availableAt: null });
        await pass(100);
        expect(await claim(stores, alice)).toStrictEqual([]);
      }));

    it('should end a run that an update has set RUNNING', () =>
      onBench(async ({ stores, pass, clock }) => {
        const { id, threadId } = await enqueue(stores, alice, { timeoutSeconds: 20 });
        await pass(100);
        await moveRun(stores, alice, id, 'RUNNING');
        const next = await enqueue(stores, alice, { threadId });
        await pass(19);
        expect(await stores.runs.get(alice, id)).toMatchObject({ status: 'RUNNING' });
        await pass(1);
        expect(await stores.runs.get(alice, id)).toMatchObject({
          status: 'TIMEOUT',
          error: { code: 'TIMEOUT' },
          startedAt: new Date(START + 100_000).toISOString(),
          finishedAt: new Date(clock.now).toISOString(),
        });
        expect(await eventsOf(stores, alice, id)).toStrictEqual([]);
        expect(await claimIds(stores, alice)).toStrictEqual([next.id]);
      }));

    it('should end a run by themselves, without anybody asking', () =>
      onSweepingBench(async ({ stores, clock }) => {
        const { run } = await claimNew(stores, alice, { timeoutSeconds: 20 });
        const delayed = await enqueue(stores, alice, { delaySeconds: 10 });
        clock.now += 20_000;
        const statusOf = async (): Promise<unknown> => (await stores.runs.get(alice, run.id))?.status;
        await eventually('the run ends', async () => (await statusOf()) === 'TIMEOUT');
        await eventually('the other can be claimed', async () => {
          return (await claimIds(stores, alice)).includes(delayed.id);
        });
        expect(await stores.runs.get(alice, delayed.id)).toMatchObject({ status: 'RUNNING' });
      }));

    it('should do what was due first when several are late', () =>
      onBench(async ({ stores, pass }) => {
        const [lostFirst, timedOut] = [
          await claimNew(stores, alice, { timeoutSeconds: 40, maxAttempts: 1 }),
          await claimNew(stores, alice, { timeoutSeconds: 20, maxAttempts: 1 }),
        ];
        const { id } = await enqueue(stores, alice, { timeoutSeconds: 60 });
        await claimOne(stores, alice);
        await pass(3_600);
        // A run whose lease has ended may be given back first, and end the next time.
        await pass(0);
        expect(await stores.runs.get(alice, lostFirst.run.id)).toMatchObject({ status: 'ERROR' });
        expect(await stores.runs.get(alice, timedOut.run.id)).toMatchObject({ status: 'TIMEOUT' });
        expect(await stores.runs.get(alice, id)).toMatchObject({ status: 'TIMEOUT' });
      }));

    it.each([
      ['delaySeconds', [-1, 2_592_001, 0.5], [0, 2_592_000]],
      ['timeoutSeconds', [0, 604_801, 1.5], [1, 604_800, null]],
      ['maxAttempts', [0, 101, 2.5], [1, 100]],
    ] as const)('should be refused where they are out of range, as other numbers: %s', (key, bad, good) =>
      onBench(async ({ stores, published }) => {
        const { id: threadId } = await makeThread(stores, alice);
        const { id: assistantId } = await makeAssistant(stores, alice);
        published.length = 0;
        for (const value of bad) {
          const created = await stores.runs.create(alice, { threadId, assistantId, [key]: value });
          expect(refusalsOf(created)).toStrictEqual([`INVALID ${key}`]);
        }
        expect(published).toStrictEqual([]);
        for (const value of good) {
          valueOf(await stores.runs.create(alice, { threadId, assistantId, [key]: value }));
        }
        expect(await stores.runs.count(alice)).toBe(good.length);
      }),
    );
  });

  describe('ends', () => {
    it.each<[string, Partial<FinishRequest>, object]>([
      ['SUCCESS', { status: 'SUCCESS', output: { a: 1 } }, { status: 'SUCCESS', hasOutput: true }],
      [
        'INTERRUPTED',
        { status: 'INTERRUPTED', output: { a: 1 }, interrupt: { ask: 'Go on?' } },
        { status: 'INTERRUPTED', hasOutput: true, interrupt: { ask: 'Go on?' } },
      ],
      [
        'ERROR',
        { status: 'ERROR', error },
        { status: 'ERROR', error: { ...error, details: null }, hasOutput: false },
      ],
      [
        'TIMEOUT',
        { status: 'TIMEOUT', error: { ...error, details: { a: 1 } } },
        { status: 'TIMEOUT', error: { ...error, details: { a: 1 } }, hasOutput: false },
      ],
      ['CANCELLED', { status: 'CANCELLED' }, { status: 'CANCELLED', hasOutput: false }],
    ])('should be stored with all that they have, in one step: %s', (status, end, expected) =>
      onBench(async ({ stores, clock, published }) => {
        const { lease, run } = await claimNew(stores, alice);
        clock.now += 1_234;
        published.length = 0;
        expect(await finish(stores, alice, lease, end)).toStrictEqual({ accepted: true, status });
        const ended = await stores.runs.get(alice, run.id);
        const at = new Date(clock.now).toISOString();
        expect(ended).toStrictEqual({
          ...run,
          worker: null,
          ended: 1,
          finishedAt: at,
          updatedAt: at,
          ...expected,
        });
        const thread = await stores.threads.get(alice, run.threadId);
        expect(published.map(({ together }) => together.length)).toStrictEqual([2, 2]);
        expect(published.map(({ change }) => change.after)).toStrictEqual(
          expect.arrayContaining([ended, thread]),
        );
        expect(await valuesOf(stores, alice, run.threadId)).toStrictEqual(end.output ?? null);
      }),
    );

    it('should be answered alike when they are sent twice, with the keys of their input in any order', () =>
      onBench(async ({ stores, published, clock }) => {
        const { lease, run } = await claimNew(stores, alice);
        const end = { output: { a: { x: 1, y: [1, 2] }, b: 2 } };
        await finish(stores, alice, lease, end);
        const ended = await stores.runs.get(alice, run.id);
        published.length = 0;
        clock.now += 1_000_000;
        for (const again of [end, { output: { b: 2, a: { y: [1, 2], x: 1 } } }, { ...end, error: null }]) {
          expect(await finish(stores, alice, lease, again)).toStrictEqual({
            accepted: true,
            status: 'SUCCESS',
          });
        }
        for (const other of [{ output: { b: 2 } }, { output: { a: { x: 1, y: [2, 1] }, b: 2 } }, {}]) {
          expect(await finish(stores, alice, lease, other)).toStrictEqual({
            accepted: false,
            status: 'SUCCESS',
          });
        }
        expect(await stores.runs.get(alice, run.id)).toStrictEqual(ended);
        expect(published).toStrictEqual([]);
        expect(await eventsOf(stores, alice, run.id)).toHaveLength(2);
      }));

    it('should be answered alike when they are sent twice and give back, until the next attempt begins', () =>
      onBench(async ({ stores, pass }) => {
        const { lease, run } = await claimNew(stores, alice);
        await finish(stores, alice, lease, RETRY);
        const waiting = await stores.runs.get(alice, run.id);
        expect(await finish(stores, alice, lease, RETRY)).toStrictEqual({
          accepted: true,
          status: 'RUNNING',
        });
        const other = { ...RETRY, retryAfterSeconds: 5 };
        expect(await finish(stores, alice, lease, other)).toStrictEqual({
          accepted: false,
          status: 'RUNNING',
        });
        await pass(1);
        expect(await finish(stores, alice, lease, RETRY)).toStrictEqual({
          accepted: true,
          status: 'RUNNING',
        });
        expect(await stores.runs.get(alice, run.id)).toStrictEqual(waiting);
        const second = await claimOne(stores, alice);
        expect(await finish(stores, alice, lease, RETRY)).toStrictEqual({
          accepted: false,
          status: 'RUNNING',
        });
        expect(await stores.runs.get(alice, run.id)).toStrictEqual(second.run);
        // The same end of another attempt is another's.
        await finish(stores, alice, second.lease, RETRY);
        expect(await finish(stores, alice, lease, RETRY)).toStrictEqual({
          accepted: false,
          status: 'RUNNING',
        });
        expect(await finish(stores, alice, second.lease, RETRY)).toMatchObject({ accepted: true });
      }));

    it('should be those of one, when two come at once', () =>
      onBench(async ({ stores }) => {
        for (let i = 0; i < 5; i++) {
          const { lease, run } = await claimNew(stores, alice);
          const results = await Promise.all([
            finish(stores, alice, lease, { output: { n: 1 } }),
            finish(stores, alice, lease, { output: { n: 2 } }),
            finish(stores, alice, lease, { status: 'ERROR', error }),
          ]);
          expect(results.filter(({ accepted }) => accepted)).toHaveLength(1);
          const status = (await stores.runs.get(alice, run.id))?.status;
          for (const result of results) expect(result.status).toBe(status);
        }
      }));

    const long = 'x'.repeat(4_097);
    it.each<[readonly string[], Partial<FinishRequest>]>([
      [['INVALID status'], { status: 'PENDING' }],
      [['INVALID status'], { status: 'RUNNING' }],
      [['INVALID error'], { status: 'ERROR' }],
      [['INVALID error'], { status: 'ERROR', error: null }],
      [['INVALID error'], { status: 'ERROR', retry: true }],
      [['INVALID error'], { status: 'TIMEOUT' }],
      [['INVALID error'], { status: 'SUCCESS', error }],
      [['INVALID error'], { status: 'INTERRUPTED', error }],
      [['INVALID error'], { status: 'CANCELLED', error }],
      [['INVALID output'], { status: 'ERROR', error, output: {} }],
      [['INVALID output'], { status: 'TIMEOUT', error, output: {} }],
      [['INVALID output'], { status: 'CANCELLED', output: {} }],
      [['INVALID interrupt'], { status: 'SUCCESS', interrupt: {} }],
      [['INVALID interrupt'], { status: 'ERROR', error, interrupt: {} }],
      [['INVALID interrupt'], { status: 'TIMEOUT', error, interrupt: {} }],
      [['INVALID interrupt'], { status: 'CANCELLED', interrupt: {} }],
      [['INVALID retry'], { status: 'SUCCESS', retry: true }],
      [['INVALID retry'], { status: 'TIMEOUT', error, retry: true }],
      [['INVALID retry'], { status: 'INTERRUPTED', retry: true }],
      [['INVALID retry'], { status: 'CANCELLED', retry: true }],
      [['INVALID retryAfterSeconds'], { status: 'SUCCESS', retryAfterSeconds: 1 }],
      [['INVALID retryAfterSeconds'], { status: 'ERROR', error, retryAfterSeconds: 0 }],
      [['INVALID retryAfterSeconds'], { ...RETRY, retryAfterSeconds: -1 }],
      [['INVALID retryAfterSeconds'], { ...RETRY, retryAfterSeconds: 2_592_001 }],
      [['INVALID retryAfterSeconds'], { ...RETRY, retryAfterSeconds: 0.5 }],
      [['INVALID error.code'], { status: 'ERROR', error: { code: ' ', message: '' } }],
      [['INVALID error.code'], { status: 'ERROR', error: { code: 'x'.repeat(65), message: '' } }],
      [['INVALID error.code'], { status: 'ERROR', error: { code: 'a\0', message: '' } }],
      [['INVALID error.message'], { status: 'ERROR', error: { code: 'A', message: long } }],
      [['INVALID error.message'], { status: 'TIMEOUT', error: { code: 'A', message: '\udc00' } }],
      [['INVALID error.details'], { status: 'ERROR', error: { ...error, details: { a: '\0' } } }],
      [['INVALID error', 'INVALID output'], { status: 'CANCELLED', error, output: {} }],
    ])('should be refused with what their status does not take, and store nothing: %j %j', (refusals, end) =>
      onBench(async ({ stores, published }) => {
        const { lease, run } = await claimNew(stores, alice);
        published.length = 0;
        const request: FinishRequest = { lease, status: 'SUCCESS', retry: false, ...end };
        expect(refusalsOf(await stores.queue.finish(alice, request))).toStrictEqual(refusals);
        expect(await stores.runs.get(alice, run.id)).toStrictEqual(run);
        expect(published).toStrictEqual([]);
        expect(await finish(stores, alice, lease)).toStrictEqual({ accepted: true, status: 'SUCCESS' });
      }),
    );

    it('should be taken with nulls for what their status does not take', () =>
      onBench(async ({ stores }) => {
        const { lease } = await claimNew(stores, alice);
        const nulls = { output: null, error: null, interrupt: null, retryAfterSeconds: null };
        expect(await finish(stores, alice, lease, nulls)).toStrictEqual({
          accepted: true,
          status: 'SUCCESS',
        });
      }));

    it('should be taken with the longest texts', () =>
      onBench(async ({ stores }) => {
        const { lease, run } = await claimNew(stores, alice);
        const longest = { code: '😀'.repeat(64), message: '😀'.repeat(4_096), details: {} };
        await finish(stores, alice, lease, { status: 'ERROR', error: longest });
        expect(await stores.runs.get(alice, run.id)).toMatchObject({ error: longest });
      }));
  });
}
