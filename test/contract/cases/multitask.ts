import { describe, expect, it } from 'vitest';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { call, type OnBench, refusalsOf, valueOf } from '../../support/bench.ts';
import { existing, makeAssistant, makeThread, moveRun } from '../../support/records.ts';
import { everythingOf } from '../../support/walk.ts';
import {
  claim,
  claimIds,
  claimNew,
  claimOne,
  enqueue,
  finish,
  heartbeat,
  saveCheckpoint,
  valuesOf,
} from '../../support/worker.ts';

const [alice, bob] = [owner('alice'), owner('bob')];
const UNKNOWN = '0123456789ab4cde8f0123456789abcd';

/** What new runs do to others of their thread, and which they answer. */
export function testMultitask(onBench: OnBench): void {
  describe('a new run', () => {
    it('should keep what it was given', () =>
      onBench(async ({ stores }) => {
        const thread = await makeThread(stores, alice);
        const { id: assistantId } = await makeAssistant(stores, alice);
        const least = valueOf(await stores.runs.create(alice, { threadId: thread.id, assistantId }));
        expect(least).toMatchObject({
          status: 'PENDING',
          hasInput: false,
          hasOutput: false,
          hasCheckpoint: false,
          error: null,
          interrupt: null,
          resumes: null,
          multitaskStrategy: 'ENQUEUE',
          attempt: 0,
          maxAttempts: 3,
          timeoutSeconds: null,
          assistantVersion: null,
          worker: null,
          availableAt: least.createdAt,
          startedAt: null,
          finishedAt: null,
          cancelRequestedAt: null,
        });
        const most = {
          input: { text: 'Hi', '': [null, 0.5] },
          multitaskStrategy: 'INTERRUPT',
          timeoutSeconds: 5,
          maxAttempts: 7,
        } as const;
        const run = await enqueue(stores, alice, most);
        const { input, ...rest } = most;
        expect(run).toMatchObject({ hasInput: true, ...rest });
        expect(await stores.runs.payload(alice, run.id, 'input')).toBe(JSON.stringify(input));
        expect(await stores.runs.payload(bob, run.id, 'input')).toBeNull();
      }));

    it('should make a thread where none is named, in the same step', () =>
      onBench(async ({ stores, published, clock }) => {
        const { id: assistantId } = await makeAssistant(stores, alice);
        published.length = 0;
        clock.now += 5;
        const run = valueOf(await stores.runs.create(alice, { assistantId, metadata: { a: 1 } }));
        const thread = existing(await stores.threads.get(alice, run.threadId));
        expect(thread).toStrictEqual({
          id: run.threadId,
          status: 'BUSY',
          valuesRunId: null,
          metadata: { owner: 'alice' },
          createdAt: run.createdAt,
          updatedAt: run.createdAt,
        });
        expect(published.map(({ change }) => change)).toStrictEqual([
          { resource: 'thread', before: null, after: thread },
          { resource: 'run', before: null, after: run },
        ]);
        expect(published.map(({ together }) => together.length)).toStrictEqual([2, 2]);
        const { lease } = await claimOne(stores, alice);
        await finish(stores, alice, lease, { output: { a: 1 } });
        expect(await stores.threads.get(alice, thread.id)).toMatchObject({
          status: 'IDLE',
          valuesRunId: run.id,
        });
      }));

    it('should make no thread where it is refused', () =>
      onBench(async ({ stores, published }) => {
        const created = await stores.runs.create(alice, { assistantId: UNKNOWN });
        expect(refusalsOf(created)).toStrictEqual(['NOT_FOUND assistantId']);
        expect(await stores.threads.count(alice)).toBe(0);
        expect(published).toStrictEqual([]);
      }));

    it.each(['PENDING', 'delayed', 'RUNNING', 'held', 'between attempts'])(
      'should be refused by REJECT while a run of the thread is active: %s',
      (active) =>
        onBench(async ({ stores, published }) => {
          const { id: threadId } = await makeThread(stores, alice);
          const parents = { threadId, assistantId: (await makeAssistant(stores, alice)).id };
          const first = await enqueue(stores, alice, {
            ...parents,
            delaySeconds: active === 'delayed' ? 60 : 0,
          });
          if (active === 'RUNNING') await moveRun(stores, alice, first.id, 'RUNNING');
          if (active === 'held' || active === 'between attempts') {
            const { lease } = await claimOne(stores, alice);
            if (active !== 'held') {
              await finish(stores, alice, lease, {
                status: 'ERROR',
                error: { code: 'E', message: '' },
                retry: true,
              });
            }
          }
          const before = await everythingOf(stores, alice);
          published.length = 0;
          const refused = await stores.runs.create(alice, { ...parents, multitaskStrategy: 'REJECT' });
          expect(refusalsOf(refused)).toStrictEqual(['CONFLICT threadId']);
          expect(await everythingOf(stores, alice)).toStrictEqual(before);
          expect(published).toStrictEqual([]);
        }),
    );

    it('should be stored by REJECT where none is active, and once where two come at once', () =>
      onBench(async ({ stores }) => {
        const first = await claimNew(stores, alice);
        const { threadId, assistantId } = first.run;
        await finish(stores, alice, first.lease);
        // Another thread's runs do not count.
        await enqueue(stores, alice, { assistantId });
        const create = () =>
          stores.runs.create(alice, { threadId, assistantId, multitaskStrategy: 'REJECT' });
        const outcomes = await Promise.all([call(create), call(create), call(create)]);
        expect(outcomes.filter((outcome) => 'value' in outcome)).toHaveLength(1);
        expect(outcomes.flatMap(refusalsOf)).toStrictEqual(['CONFLICT threadId', 'CONFLICT threadId']);
        expect(await stores.runs.count(alice, { threadId, status: ['PENDING'] })).toBe(1);
      }));

    it.each(['INTERRUPT', 'ROLLBACK'] as const)(
      'should cancel the waiting runs of its thread by %s at once',
      (strategy) =>
        onBench(async ({ stores, published, clock }) => {
          const { id: threadId } = await makeThread(stores, alice);
          const parents = { threadId, assistantId: (await makeAssistant(stores, alice)).id };
          const waiting = [
            await enqueue(stores, alice, parents),
            await enqueue(stores, alice, { ...parents, delaySeconds: 60 }),
          ];
          const other = await enqueue(stores, alice, { assistantId: parents.assistantId });
          published.length = 0;
          clock.now += 10;
          const run = await enqueue(stores, alice, { ...parents, multitaskStrategy: strategy });
          const at = new Date(clock.now).toISOString();
          const cancelled = { status: 'CANCELLED', finishedAt: at, cancelRequestedAt: at, availableAt: null };
          for (const [index, { id }] of waiting.entries()) {
            expect(await stores.runs.get(alice, id)).toMatchObject({ ...cancelled, ended: index + 1 });
          }
          expect(await stores.runs.get(alice, other.id)).toStrictEqual(other);
          expect(await stores.threads.get(alice, threadId)).toMatchObject({ status: 'BUSY' });
          // In one step; the thread was BUSY, and stays so.
          expect(published.map(({ together }) => together.length)).toStrictEqual([3, 3, 3]);
          expect(published.map(({ change }) => existing(change.after).id).toSorted()).toStrictEqual(
            [...waiting.map(({ id }) => id), run.id].toSorted(),
          );
          expect(await claimIds(stores, alice)).toStrictEqual([other.id, run.id]);
        }),
    );

    it.each(['INTERRUPT', 'ROLLBACK'] as const)(
      'should ask the worker of the held run of its thread to stop by %s, and wait for it',
      (strategy) =>
        onBench(async ({ stores }) => {
          const { lease, run } = await claimNew(stores, alice);
          const { threadId } = run;
          await saveCheckpoint(stores, alice, lease, { step: 1 });
          const next = await enqueue(stores, alice, { threadId, multitaskStrategy: strategy });
          expect(await stores.runs.get(alice, run.id)).toMatchObject({
            status: 'RUNNING',
            worker: 'worker',
            cancelRequestedAt: next.createdAt,
          });
          expect(await heartbeat(stores, alice, lease)).toMatchObject({ held: true, cancel: strategy });
          expect(await claim(stores, alice)).toStrictEqual([]);
          await finish(stores, alice, lease, { status: 'CANCELLED' });
          const given = await claimOne(stores, alice);
          expect(given.run.id).toBe(next.id);
          expect(given.values).toBe(strategy === 'INTERRUPT' ? '{"step":1}' : null);
        }),
    );

    it('should take what a run between two attempts leaves by INTERRUPT', () =>
      onBench(async ({ stores, published }) => {
        const { lease, run } = await claimNew(stores, alice);
        await saveCheckpoint(stores, alice, lease, { step: 1 });
        await stores.queue.release(alice, [lease]);
        published.length = 0;
        const next = await enqueue(stores, alice, { threadId: run.threadId, multitaskStrategy: 'INTERRUPT' });
        expect(await stores.threads.get(alice, run.threadId)).toMatchObject({
          status: 'BUSY',
          valuesRunId: run.id,
        });
        expect(published.map(({ change }) => change.resource).toSorted()).toStrictEqual([
          'assistant',
          'run',
          'run',
          'thread',
        ]);
        expect(await claimOne(stores, alice)).toMatchObject({ run: { id: next.id }, values: '{"step":1}' });
      }));

    it('should drop what a run between two attempts has saved by ROLLBACK', () =>
      onBench(async ({ stores }) => {
        const { lease, run } = await claimNew(stores, alice);
        await saveCheckpoint(stores, alice, lease, { step: 1 });
        await stores.queue.release(alice, [lease]);
        await enqueue(stores, alice, { threadId: run.threadId, multitaskStrategy: 'ROLLBACK' });
        expect(await stores.runs.get(alice, run.id)).toMatchObject({
          hasCheckpoint: false,
          hasOutput: false,
        });
        expect(await valuesOf(stores, alice, run.threadId)).toBeNull();
      }));

    it('should cancel nothing where it is refused', () =>
      onBench(async ({ stores, published }) => {
        const run = await enqueue(stores, alice);
        published.length = 0;
        const created = await stores.runs.create(alice, {
          threadId: run.threadId,
          assistantId: UNKNOWN,
          multitaskStrategy: 'ROLLBACK',
        });
        expect(refusalsOf(created)).toStrictEqual(['NOT_FOUND assistantId']);
        expect(await stores.runs.get(alice, run.id)).toStrictEqual(run);
        expect(published).toStrictEqual([]);
      }));
  });

  describe('a run that resumes another', () => {
    it('should answer the INTERRUPTED run that its thread ended last with', () =>
      onBench(async ({ stores }) => {
        const { lease, run } = await claimNew(stores, alice);
        await finish(stores, alice, lease, { status: 'INTERRUPTED', interrupt: { q: 1 }, output: { n: 1 } });
        const { threadId } = run;
        expect(await stores.threads.get(alice, threadId)).toMatchObject({ status: 'INTERRUPTED' });
        const answer = await enqueue(stores, alice, { threadId, resumes: run.id, input: { a: 'yes' } });
        expect(answer).toMatchObject({ resumes: run.id });
        expect(await claimOne(stores, alice)).toMatchObject({
          run: { id: answer.id, resumes: run.id },
          values: '{"n":1}',
          input: '{"a":"yes"}',
        });
      }));

    it('should answer one that an update has INTERRUPTED', () =>
      onBench(async ({ stores }) => {
        const run = await enqueue(stores, alice);
        await moveRun(stores, alice, run.id, 'INTERRUPTED');
        const answer = await enqueue(stores, alice, { threadId: run.threadId, resumes: run.id });
        expect(answer.resumes).toBe(run.id);
      }));

    it.each(['PENDING', 'RUNNING', 'SUCCESS', 'ERROR', 'TIMEOUT', 'CANCELLED'] as const)(
      'should not answer one that is %s',
      (status) =>
        onBench(async ({ stores, published }) => {
          const { id, threadId, assistantId } = await enqueue(stores, alice);
          if (status !== 'PENDING') await moveRun(stores, alice, id, status);
          published.length = 0;
          const created = await stores.runs.create(alice, { threadId, assistantId, resumes: id });
          expect(refusalsOf(created)).toStrictEqual(['CONFLICT resumes']);
          expect(published).toStrictEqual([]);
        }),
    );

    it('should not answer one of another thread, or with no thread', () =>
      onBench(async ({ stores }) => {
        const run = await enqueue(stores, alice);
        await moveRun(stores, alice, run.id, 'INTERRUPTED');
        const { id: threadId } = await makeThread(stores, alice);
        const { assistantId } = run;
        for (const input of [{ threadId }, { threadId: null }, {}]) {
          const created = await stores.runs.create(alice, { ...input, assistantId, resumes: run.id });
          expect(refusalsOf(created)).toStrictEqual(['CONFLICT resumes']);
        }
        expect(await stores.threads.count(alice)).toBe(2);
      }));

    it('should not find one that is unknown, or of another owner', () =>
      onBench(async ({ stores }) => {
        const theirs = await enqueue(stores, bob);
        await moveRun(stores, bob, theirs.id, 'INTERRUPTED');
        const { threadId, assistantId } = await enqueue(stores, alice);
        for (const resumes of [theirs.id, UNKNOWN, '', 'x', threadId, '\0']) {
          const created = await stores.runs.create(alice, { threadId, assistantId, resumes });
          expect(refusalsOf(created)).toStrictEqual(['NOT_FOUND resumes']);
        }
        const all = await stores.runs.create(alice, { threadId: 'x', assistantId: 'x', resumes: 'x' });
        expect(refusalsOf(all)).toStrictEqual([
          'NOT_FOUND assistantId',
          'NOT_FOUND resumes',
          'NOT_FOUND threadId',
        ]);
      }));

    it('should not answer one after which another has ended', () =>
      onBench(async ({ stores }) => {
        const { id: threadId } = await makeThread(stores, alice);
        const parents = { threadId, assistantId: (await makeAssistant(stores, alice)).id };
        const [first, second] = [
          await enqueue(stores, alice, parents),
          await enqueue(stores, alice, parents),
        ];
        await moveRun(stores, alice, first.id, 'INTERRUPTED');
        await moveRun(stores, alice, second.id, 'CANCELLED');
        const resume = () => stores.runs.create(alice, { ...parents, resumes: first.id });
        expect(refusalsOf(await resume())).toStrictEqual(['CONFLICT resumes']);
        await stores.runs.delete(alice, second.id);
        expect(refusalsOf(await resume())).toStrictEqual([]);
      }));

    it('should be one alone: of two at once, one is stored', () =>
      onBench(async ({ stores }) => {
        const run = await enqueue(stores, alice);
        await moveRun(stores, alice, run.id, 'INTERRUPTED');
        const { threadId, assistantId } = run;
        const resume = () => stores.runs.create(alice, { threadId, assistantId, resumes: run.id });
        const outcomes = await Promise.all([call(resume), call(resume), call(resume)]);
        expect(outcomes.filter((outcome) => 'value' in outcome)).toHaveLength(1);
        expect(refusalsOf(await resume())).toStrictEqual(['CONFLICT resumes']);
        const { lease } = await claimOne(stores, alice);
        expect(refusalsOf(await resume())).toStrictEqual(['CONFLICT resumes']);
        await finish(stores, alice, lease);
        expect(refusalsOf(await resume())).toStrictEqual(['CONFLICT resumes']);
      }));

    it('should wait behind other runs of the thread, and be created all the same', () =>
      onBench(async ({ stores }) => {
        const run = await enqueue(stores, alice);
        await moveRun(stores, alice, run.id, 'INTERRUPTED');
        const { threadId, assistantId } = run;
        const before = await enqueue(stores, alice, { threadId, assistantId });
        const answer = await enqueue(stores, alice, { threadId, assistantId, resumes: run.id });
        expect(await claimIds(stores, alice)).toStrictEqual([before.id]);
        expect(await stores.runs.get(alice, answer.id)).toMatchObject({ status: 'PENDING' });
      }));
  });
}
