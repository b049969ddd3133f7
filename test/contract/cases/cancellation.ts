import { describe, expect, it } from 'vitest';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { CANCEL_ACTIONS, RUN_STATUSES } from '../../../src/store/records.ts';
import { type OnBench, START, valueOf } from '../../support/bench.ts';
import { existing, makeRun, moveRun } from '../../support/records.ts';
import {
  append,
  claim,
  claimIds,
  claimNew,
  claimOne,
  enqueue,
  eventsOf,
  finish,
  heartbeat,
  lost,
  payloadOf,
  saveCheckpoint,
  valuesOf,
} from '../../support/worker.ts';

const [alice, bob, operator] = [owner('alice'), owner('bob'), owner('operator')];
const error = { code: 'E', message: 'e' };

/** How runs are called off, and what is left of them. */
export function testCancellation(onBench: OnBench): void {
  describe('a cancellation', () => {
    it.each(CANCEL_ACTIONS)('should end a waiting run at once: %s', (action) =>
      onBench(async ({ stores, clock, published }) => {
        const run = await enqueue(stores, alice, { delaySeconds: 60, input: { n: 1 } });
        clock.now += 1_000;
        published.length = 0;
        const at = new Date(START + 1_000).toISOString();
        const cancelled = await stores.runs.cancel(alice, run.id, action);
        expect(cancelled).toStrictEqual({
          ...run,
          status: 'CANCELLED',
          ended: 1,
          availableAt: null,
          finishedAt: at,
          cancelRequestedAt: at,
          updatedAt: at,
        });
        expect(await stores.runs.get(alice, run.id)).toStrictEqual(cancelled);
        expect(await stores.threads.get(alice, run.threadId)).toMatchObject({
          status: 'IDLE',
          valuesRunId: null,
        });
        expect(published.map(({ together }) => together.length)).toStrictEqual([2, 2]);
        expect(await eventsOf(stores, alice, run.id)).toStrictEqual([]);
        expect(await payloadOf(stores, alice, run.id, 'input')).toStrictEqual({ n: 1 });
      }),
    );

    it('should end a run at once that an update has set RUNNING', () =>
      onBench(async ({ stores }) => {
        const run = await makeRun(stores, alice, {}, 'RUNNING');
        expect(await stores.runs.cancel(alice, run.id, 'INTERRUPT')).toMatchObject({
          status: 'CANCELLED',
          cancelRequestedAt: expect.any(String),
        });
        expect(await stores.threads.get(alice, run.threadId)).toMatchObject({ status: 'IDLE' });
      }));

    it.each(RUN_STATUSES.filter((status) => status !== 'PENDING' && status !== 'RUNNING'))(
      'should leave a run that has ended as it is: %s',
      (status) =>
        onBench(async ({ stores, published, clock }) => {
          const run = await makeRun(stores, alice, {}, status);
          published.length = 0;
          clock.now += 1;
          for (const action of CANCEL_ACTIONS) {
            expect(await stores.runs.cancel(alice, run.id, action)).toStrictEqual(run);
          }
          expect(await stores.runs.get(alice, run.id)).toStrictEqual(run);
          expect(published).toStrictEqual([]);
        }),
    );

    it('should find no run that is unknown, or of another owner', () =>
      onBench(async ({ stores, published }) => {
        const { run } = await claimNew(stores, alice);
        published.length = 0;
        for (const id of ['', 'x', run.threadId, '0123456789ab4cde8f0123456789abcd', '\0']) {
          expect(await stores.runs.cancel(alice, id, 'INTERRUPT')).toBeNull();
        }
        expect(await stores.runs.cancel(bob, run.id, 'ROLLBACK')).toBeNull();
        expect(await stores.runs.get(alice, run.id)).toStrictEqual(run);
        expect(published).toStrictEqual([]);
      }));

    it.each(CANCEL_ACTIONS)('should be asked of the worker that holds the run: %s', (action) =>
      onBench(async ({ stores, clock, published }) => {
        const { lease, run } = await claimNew(stores, alice);
        clock.now += 1_000;
        published.length = 0;
        const at = new Date(START + 1_000).toISOString();
        const asked = await stores.runs.cancel(alice, run.id, action);
        expect(asked).toStrictEqual({ ...run, cancelRequestedAt: at, updatedAt: at });
        expect(published.map(({ change }) => change)).toStrictEqual([
          { resource: 'run', before: run, after: asked },
        ]);
        const told = { held: true, cancel: action };
        expect(await heartbeat(stores, alice, lease)).toMatchObject(told);
        expect(await append(stores, alice, lease, 0, ['A'])).toMatchObject(told);
        expect(await saveCheckpoint(stores, alice, lease, {})).toMatchObject(told);
        expect(await stores.threads.get(alice, run.threadId)).toMatchObject({ status: 'BUSY' });
        expect(await finish(stores, alice, lease, { status: 'CANCELLED' })).toStrictEqual({
          accepted: true,
          status: 'CANCELLED',
        });
        expect(await stores.runs.get(alice, run.id)).toMatchObject({
          status: 'CANCELLED',
          cancelRequestedAt: at,
        });
      }),
    );

    it('should change nothing when it is asked for again, and not be put off', () =>
      onBench(async ({ stores, pass, published }) => {
        const { lease, run } = await claimNew(stores, alice);
        const asked = await stores.runs.cancel(alice, run.id, 'INTERRUPT');
        published.length = 0;
        await pass(14);
        await heartbeat(stores, alice, lease);
        expect(await stores.runs.cancel(alice, run.id, 'INTERRUPT')).toStrictEqual(asked);
        expect(published).toStrictEqual([]);
        await pass(0.999);
        expect(await stores.runs.get(alice, run.id)).toStrictEqual(asked);
        await pass(0.001);
        expect(await stores.runs.get(alice, run.id)).toMatchObject({ status: 'CANCELLED' });
      }));

    it.each([
      ['INTERRUPT', 'ROLLBACK', 'ROLLBACK'],
      ['ROLLBACK', 'INTERRUPT', 'ROLLBACK'],
      ['ROLLBACK', 'ROLLBACK', 'ROLLBACK'],
      ['INTERRUPT', 'INTERRUPT', 'INTERRUPT'],
    ] as const)('should be a ROLLBACK where one of two is: %s, %s', (first, second, action) =>
      onBench(async ({ stores, clock }) => {
        const { lease, run } = await claimNew(stores, alice);
        await saveCheckpoint(stores, alice, lease, { step: 1 });
        const asked = existing(await stores.runs.cancel(alice, run.id, first));
        clock.now += 1_000;
        const again = await stores.runs.cancel(alice, run.id, second);
        expect(again).toMatchObject({ status: 'RUNNING', cancelRequestedAt: asked.cancelRequestedAt });
        expect(await heartbeat(stores, alice, lease)).toMatchObject({ held: true, cancel: action });
        await finish(stores, alice, lease, { status: 'CANCELLED' });
        const isKept = action === 'INTERRUPT';
        expect(await stores.runs.get(alice, run.id)).toMatchObject({
          hasOutput: isKept,
          hasCheckpoint: isKept,
        });
        expect(await valuesOf(stores, alice, run.threadId)).toStrictEqual(isKept ? { step: 1 } : null);
      }),
    );

    it.each(CANCEL_ACTIONS)(
      'should be done by the server where the worker has not answered in 15 s: %s',
      (action) =>
        onBench(async ({ stores, pass, clock }) => {
          const { lease, run } = await claimNew(stores, alice, {}, { leaseSeconds: 300 });
          await saveCheckpoint(stores, alice, lease, { step: 1 });
          await stores.runs.cancel(alice, run.id, action);
          await pass(14.999);
          expect(await heartbeat(stores, alice, lease)).toMatchObject({ held: true, cancel: action });
          await pass(0.001);
          const isKept = action === 'INTERRUPT';
          expect(await stores.runs.get(alice, run.id)).toMatchObject({
            status: 'CANCELLED',
            worker: null,
            finishedAt: new Date(clock.now).toISOString(),
            hasOutput: isKept,
            hasCheckpoint: isKept,
          });
          expect(await payloadOf(stores, alice, run.id, 'output')).toStrictEqual(isKept ? { step: 1 } : null);
          expect(await payloadOf(stores, alice, run.id, 'checkpoint')).toStrictEqual(
            isKept ? { step: 1 } : null,
          );
          expect(await valuesOf(stores, alice, run.threadId)).toStrictEqual(isKept ? { step: 1 } : null);
          expect(await heartbeat(stores, alice, lease)).toStrictEqual(lost(lease));
          expect(await finish(stores, alice, lease)).toStrictEqual({ accepted: false, status: 'CANCELLED' });
          expect(await eventsOf(stores, alice, run.id)).toStrictEqual([
            '1 1 RUN_STARTED',
            '2 1 RUN_FINISHED',
          ]);
        }),
    );

    it('should be done by the server where the lease ends first', () =>
      onBench(async ({ stores, pass }) => {
        const { run } = await claimNew(stores, alice, {}, { leaseSeconds: 5 });
        await stores.runs.cancel(alice, run.id, 'INTERRUPT');
        await pass(5);
        expect(await stores.runs.get(alice, run.id)).toMatchObject({ status: 'CANCELLED', attempt: 1 });
        await pass(60);
        expect(await claim(stores, alice)).toStrictEqual([]);
      }));

    it.each([
      ['SUCCESS', { output: { a: 1 } }],
      ['INTERRUPTED', { interrupt: {} }],
      ['ERROR', { error }],
      ['TIMEOUT', { error }],
    ] as const)('should be forestalled by an end of the worker: %s', (status, end) =>
      onBench(async ({ stores, pass }) => {
        const { lease, run } = await claimNew(stores, alice);
        await saveCheckpoint(stores, alice, lease, { step: 1 });
        await stores.runs.cancel(alice, run.id, 'ROLLBACK');
        expect(await finish(stores, alice, lease, { status, ...end })).toStrictEqual({
          accepted: true,
          status,
        });
        const ended = await stores.runs.get(alice, run.id);
        expect(ended).toMatchObject({ status, cancelRequestedAt: expect.any(String) });
        const values = { SUCCESS: { a: 1 }, INTERRUPTED: { step: 1 }, ERROR: null, TIMEOUT: null }[status];
        expect(await valuesOf(stores, alice, run.threadId)).toStrictEqual(values);
        await pass(60);
        expect(await stores.runs.get(alice, run.id)).toStrictEqual(ended);
      }),
    );

    it.each(CANCEL_ACTIONS)(
      'should be done when the worker gives the run back to be tried again: %s',
      (action) =>
        onBench(async ({ stores, pass }) => {
          const { lease, run } = await claimNew(stores, alice);
          await saveCheckpoint(stores, alice, lease, { step: 1 });
          await stores.runs.cancel(alice, run.id, action);
          const retry = { status: 'ERROR', error, retry: true } as const;
          expect(await finish(stores, alice, lease, retry)).toStrictEqual({
            accepted: true,
            status: 'CANCELLED',
          });
          expect(await finish(stores, alice, lease, retry)).toStrictEqual({
            accepted: true,
            status: 'CANCELLED',
          });
          expect(await stores.runs.get(alice, run.id)).toMatchObject({ status: 'CANCELLED', error: null });
          const left = action === 'INTERRUPT' ? { step: 1 } : null;
          expect(await valuesOf(stores, alice, run.threadId)).toStrictEqual(left);
          await pass(60);
          expect(await claim(stores, alice)).toStrictEqual([]);
        }),
    );

    it('should be done when the worker releases the run', () =>
      onBench(async ({ stores }) => {
        const { lease, run } = await claimNew(stores, alice);
        await stores.runs.cancel(alice, run.id, 'INTERRUPT');
        expect(await stores.queue.release(alice, [lease])).toStrictEqual([lost(lease)]);
        expect(await stores.runs.get(alice, run.id)).toMatchObject({ status: 'CANCELLED' });
        expect(await claim(stores, alice)).toStrictEqual([]);
      }));

    it('should end a run at once that is between two attempts, released, or whose lease has ended', () =>
      onBench(async ({ stores, pass }) => {
        const lostRun = await claimNew(stores, alice, {}, { leaseSeconds: 5 });
        const [back, released, ended] = [
          await claimNew(stores, alice),
          await claimNew(stores, alice),
          await claimNew(stores, alice, {}, { leaseSeconds: 6 }),
        ];
        for (const { lease } of [lostRun, back, released, ended]) {
          await saveCheckpoint(stores, alice, lease, { step: 1 });
        }
        await finish(stores, alice, back.lease, { status: 'ERROR', error, retry: true });
        await stores.queue.release(alice, [released.lease]);
        await pass(5);
        for (const { run } of [lostRun, back, released]) {
          expect(await stores.runs.cancel(alice, run.id, 'ROLLBACK')).toMatchObject({
            status: 'CANCELLED',
            cancelRequestedAt: expect.any(String),
            hasCheckpoint: false,
            hasOutput: false,
          });
        }
        await pass(1);
        expect(await stores.runs.cancel(alice, ended.run.id, 'INTERRUPT')).toMatchObject({
          status: 'CANCELLED',
          hasOutput: true,
        });
        expect(await stores.runs.payload(alice, ended.run.id, 'output')).toBe('{"step":1}');
        expect(await stores.runs.payload(alice, lostRun.run.id, 'checkpoint')).toBeNull();
        await pass(60);
        expect(await claim(stores, alice)).toStrictEqual([]);
      }));

    it('should let the next run of the thread begin once the run has ended, not before', () =>
      onBench(async ({ stores }) => {
        const { lease, run } = await claimNew(stores, alice);
        const next = await enqueue(stores, alice, { threadId: run.threadId });
        await stores.runs.cancel(alice, run.id, 'INTERRUPT');
        expect(await claim(stores, alice)).toStrictEqual([]);
        await finish(stores, alice, lease, { status: 'CANCELLED' });
        expect(await claimIds(stores, alice)).toStrictEqual([next.id]);
      }));

    it('should keep to its ROLLBACK when an update ends the run before the server does', () =>
      onBench(async ({ stores, clock }) => {
        const { lease, run } = await claimNew(stores, alice, {}, { leaseSeconds: 5 });
        await saveCheckpoint(stores, alice, lease, { step: 1 });
        await stores.runs.cancel(alice, run.id, 'ROLLBACK');
        clock.now += 5_000;
        // The server may have ended it by itself meanwhile.
        await stores.runs.update(alice, run.id, { status: 'CANCELLED' });
        expect(await stores.runs.get(alice, run.id)).toMatchObject({ status: 'CANCELLED', hasOutput: false });
        expect(await valuesOf(stores, alice, run.threadId)).toBeNull();
      }));

    it("should reach another owner's worker", () =>
      onBench(async ({ stores }) => {
        const { id } = await enqueue(stores, alice);
        const { lease } = await claimOne(stores, operator, { allOwners: true });
        await stores.runs.cancel(alice, id, 'INTERRUPT');
        expect(await heartbeat(stores, operator, lease)).toMatchObject({ held: true, cancel: 'INTERRUPT' });
      }));

    it('should end once against an end of the worker, whoever comes first', () =>
      onBench(async ({ stores }) => {
        for (let i = 0; i < 5; i++) {
          const { lease, run } = await claimNew(stores, alice);
          const [end] = await Promise.all([
            finish(stores, alice, lease, { output: { a: 1 } }),
            stores.runs.cancel(alice, run.id, 'ROLLBACK'),
          ]);
          expect(end).toStrictEqual({ accepted: true, status: 'SUCCESS' });
          expect(await stores.runs.get(alice, run.id)).toMatchObject({ status: 'SUCCESS', hasOutput: true });
          expect(await eventsOf(stores, alice, run.id)).toHaveLength(2);
        }
      }));
  });

  describe('what a run leaves', () => {
    it.each([
      ['SUCCESS', {}, { step: 1 }],
      ['SUCCESS', { output: {} }, {}],
      ['INTERRUPTED', {}, { step: 1 }],
      ['INTERRUPTED', { output: { o: 1 }, interrupt: { q: 1 } }, { o: 1 }],
      ['CANCELLED', {}, { step: 1 }],
      ['ERROR', { error }, null],
      ['TIMEOUT', { error }, null],
    ] as const)('should be its output or its checkpoint, or nothing: %s %j', (status, end, output) =>
      onBench(async ({ stores }) => {
        const { lease, run } = await claimNew(stores, alice);
        await saveCheckpoint(stores, alice, lease, { step: 0 });
        await saveCheckpoint(stores, alice, lease, { step: 1 });
        expect(await payloadOf(stores, alice, run.id, 'output')).toBeNull();
        await finish(stores, alice, lease, { status, ...end });
        expect(await stores.runs.get(alice, run.id)).toMatchObject({
          hasOutput: output !== null,
          hasCheckpoint: true,
        });
        expect(await payloadOf(stores, alice, run.id, 'output')).toStrictEqual(output);
        expect(await payloadOf(stores, alice, run.id, 'checkpoint')).toStrictEqual({ step: 1 });
        expect(await valuesOf(stores, alice, run.threadId)).toStrictEqual(output);
      }),
    );

    it.each(['SUCCESS', 'INTERRUPTED', 'CANCELLED'] as const)(
      'should be nothing without either: %s',
      (status) =>
        onBench(async ({ stores }) => {
          const { lease, run } = await claimNew(stores, alice);
          await finish(stores, alice, lease, { status });
          expect(await stores.runs.get(alice, run.id)).toMatchObject({
            hasOutput: false,
            hasCheckpoint: false,
          });
          expect(await stores.threads.get(alice, run.threadId)).toMatchObject({ valuesRunId: null });
        }),
    );

    it.each(['ERROR', 'TIMEOUT', 'rolled back', 'empty'] as const)(
      'should leave the thread as it was after a run that fails: %s',
      (end) =>
        onBench(async ({ stores, pass }) => {
          const first = await claimNew(stores, alice);
          const { threadId } = first.run;
          await finish(stores, alice, first.lease, { output: { n: 1 } });
          const { lease, run } = await claimNew(stores, alice, { threadId });
          if (end !== 'empty') await saveCheckpoint(stores, alice, lease, { n: 2 });
          if (end === 'rolled back') {
            await stores.runs.cancel(alice, run.id, 'ROLLBACK');
            await pass(15);
          } else if (end === 'empty') await finish(stores, alice, lease);
          else await finish(stores, alice, lease, { status: end, error });
          expect(await stores.threads.get(alice, threadId)).toMatchObject({ valuesRunId: first.run.id });
          expect(await valuesOf(stores, alice, threadId)).toStrictEqual({ n: 1 });
          const next = await claimNew(stores, alice, { threadId });
          expect(next.values).toBe('{"n":1}');
        }),
    );

    it('should be the values of the thread from the run that ended last with an output, also as runs are deleted', () =>
      onBench(async ({ stores, published, clock }) => {
        const runs: string[] = [];
        let threadId: string | undefined;
        for (let n = 0; n < 3; n++) {
          const { lease, run } = await claimNew(stores, alice, threadId === undefined ? {} : { threadId });
          ({ threadId } = run);
          await finish(stores, alice, lease, { output: { n } });
          runs.push(run.id);
        }
        const thread = existing(threadId);
        const failed = await claimNew(stores, alice, { threadId: thread });
        await finish(stores, alice, failed.lease, { status: 'ERROR', error });
        const values = (): Promise<unknown> => valuesOf(stores, alice, thread);
        expect(await values()).toStrictEqual({ n: 2 });
        await stores.runs.update(alice, existing(runs[0]), { metadata: { a: 1 } });
        expect(await values()).toStrictEqual({ n: 2 });
        await stores.runs.delete(alice, existing(runs[1]));
        expect(await values()).toStrictEqual({ n: 2 });
        clock.now += 1_000;
        published.length = 0;
        await stores.runs.delete(alice, existing(runs[2]));
        expect(await values()).toStrictEqual({ n: 0 });
        // The status stays, and the values are other ones all the same: a change of the thread.
        expect(published.map(({ change }) => change.resource).toSorted()).toStrictEqual(['run', 'thread']);
        expect(await stores.threads.get(alice, thread)).toMatchObject({
          status: 'ERROR',
          updatedAt: new Date(clock.now).toISOString(),
        });
        await stores.runs.delete(alice, existing(runs[0]));
        expect(await values()).toBeNull();
        await stores.runs.delete(alice, failed.run.id);
        expect(await stores.threads.get(alice, thread)).toMatchObject({ status: 'IDLE', valuesRunId: null });
      }));

    it('should be a change of the thread also where its status stays', () =>
      onBench(async ({ stores, published }) => {
        const first = await claimNew(stores, alice);
        const { threadId } = first.run;
        await enqueue(stores, alice, { threadId });
        published.length = 0;
        await finish(stores, alice, first.lease, { output: { n: 1 } });
        expect(published.map(({ change }) => change.resource).toSorted()).toStrictEqual(['run', 'thread']);
        expect(await stores.threads.get(alice, threadId)).toMatchObject({
          status: 'BUSY',
          valuesRunId: first.run.id,
        });
      }));

    it('should be nothing of an active run', () =>
      onBench(async ({ stores }) => {
        const { lease, run } = await claimNew(stores, alice);
        await saveCheckpoint(stores, alice, lease, { step: 1 });
        expect(await stores.runs.get(alice, run.id)).toMatchObject({ hasOutput: false, hasCheckpoint: true });
        expect(await valuesOf(stores, alice, run.threadId)).toBeNull();
        expect(await payloadOf(stores, alice, run.id, 'checkpoint')).toStrictEqual({ step: 1 });
      }));

    it('should be the checkpoint where an update ends a run that has one', () =>
      onBench(async ({ stores }) => {
        for (const [status, output] of [
          ['SUCCESS', { step: 1 }],
          ['INTERRUPTED', { step: 1 }],
          ['CANCELLED', { step: 1 }],
          ['ERROR', null],
          ['TIMEOUT', null],
        ] as const) {
          const { lease, run } = await claimNew(stores, alice);
          await saveCheckpoint(stores, alice, lease, { step: 1 });
          await stores.queue.release(alice, [lease]);
          await moveRun(stores, alice, run.id, status);
          expect(await payloadOf(stores, alice, run.id, 'output')).toStrictEqual(output);
          expect(valueOf(await stores.runs.update(alice, run.id, {}))).toMatchObject({
            hasOutput: output !== null,
          });
        }
      }));
  });
}
