import { describe, expect, it } from 'vitest';
import type { MaybePromise } from '../../../src/lib/maybe-promise.ts';
import { RUN_STATUSES, type RunStatus, type ThreadStatus } from '../../../src/store/records.ts';
import type { Stores } from '../../../src/store/stores.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { call, type OnBench, refusalsOf, valueOf } from '../../support/bench.ts';
import { nested } from '../../support/json-samples.ts';
import { existing, makeAssistant, makeRun, makeThread, moveRun } from '../../support/records.ts';
import { ALLOWED, THREAD_AFTER } from '../status-table.ts';
import { everythingOf, idsOf, NEWEST_FIRST, walk } from '../../support/walk.ts';

const alice = owner('alice');
const bob = owner('bob');
const MOVES = RUN_STATUSES.flatMap((from) => RUN_STATUSES.map((to) => ({ from, to })));
const ENDS = ['SUCCESS', 'ERROR', 'TIMEOUT', 'INTERRUPTED', 'CANCELLED'] as const;

/** Runs, and what they make of their threads and assistants. */
export function testRuns(onBench: OnBench): void {
  describe('runs', () => {
    it('should need a thread and an assistant of the same owner', () =>
      onBench(async ({ stores, published }) => {
        const { id: threadId } = await makeThread(stores, alice);
        const { id: assistantId } = await makeAssistant(stores, alice);
        const theirs = {
          threadId: (await makeThread(stores, bob)).id,
          assistantId: (await makeAssistant(stores, bob)).id,
        };
        const before = [await everythingOf(stores, alice), await everythingOf(stores, bob)];
        published.length = 0;
        const create = async (input: { threadId: string; assistantId: string }): Promise<readonly string[]> =>
          refusalsOf(await stores.runs.create(alice, input));
        for (const bad of [
          theirs,
          { threadId: 'x', assistantId: 'x' },
          { threadId: assistantId, assistantId: threadId },
        ]) {
          expect(await create(bad)).toStrictEqual(['NOT_FOUND assistantId', 'NOT_FOUND threadId']);
          expect(await create({ ...bad, threadId })).toStrictEqual(['NOT_FOUND assistantId']);
          expect(await create({ ...bad, assistantId })).toStrictEqual(['NOT_FOUND threadId']);
        }
        expect([await everythingOf(stores, alice), await everythingOf(stores, bob)]).toStrictEqual(before);
        expect(published).toStrictEqual([]);
        expect(await create({ threadId, assistantId })).toStrictEqual([]);
      }));

    it('should not be created on a deleted thread or of a deleted assistant', () =>
      onBench(async ({ stores }) => {
        const { id: threadId } = await makeThread(stores, alice);
        const { id: assistantId } = await makeAssistant(stores, alice);
        await stores.threads.delete(alice, threadId);
        await stores.assistants.delete(alice, assistantId);
        const created = await stores.runs.create(alice, { threadId, assistantId });
        expect(refusalsOf(created)).toStrictEqual(['NOT_FOUND assistantId', 'NOT_FOUND threadId']);
        expect(await stores.runs.count(alice)).toBe(0);
      }));

    it.each(MOVES.filter(({ from, to }) => ALLOWED[from].includes(to)))(
      'should move from $from to $to, and their thread with them',
      ({ from, to }) =>
        onBench(async ({ stores }) => {
          const run = await makeRun(stores, alice, {}, from);
          expect(await stores.threads.get(alice, run.threadId)).toMatchObject({ status: THREAD_AFTER[from] });
          const update = { status: to, metadata: { moved: true } };
          const moved = valueOf(await stores.runs.update(alice, run.id, update));
          expect(moved).toMatchObject({ status: to, metadata: { moved: true, owner: 'alice' } });
          expect(await stores.runs.get(alice, run.id)).toStrictEqual(moved);
          expect(await stores.threads.get(alice, run.threadId)).toMatchObject({ status: THREAD_AFTER[to] });
        }),
    );

    it.each(MOVES.filter(({ from, to }) => !ALLOWED[from].includes(to)))(
      'should not move from $from to $to, and store nothing of such an update',
      ({ from, to }) =>
        onBench(async ({ stores, published, clock }) => {
          const run = await makeRun(stores, alice, {}, from);
          const thread = await stores.threads.get(alice, run.threadId);
          published.length = 0;
          clock.now += 1;
          const update = { status: to, metadata: { moved: true } };
          expect(refusalsOf(await stores.runs.update(alice, run.id, update))).toStrictEqual([
            'CONFLICT status',
          ]);
          expect(await stores.runs.get(alice, run.id)).toStrictEqual(run);
          expect(await stores.threads.get(alice, run.threadId)).toStrictEqual(thread);
          expect(published).toStrictEqual([]);
        }),
    );

    it.each(RUN_STATUSES)('should keep the status %s without an error or a change', (status) =>
      onBench(async ({ stores, published, clock }) => {
        const run = await makeRun(stores, alice, {}, status);
        published.length = 0;
        clock.now += 1_000;
        expect(await stores.runs.update(alice, run.id, { status })).toStrictEqual({ value: run });
        expect(published).toStrictEqual([]);
        const changed = await stores.runs.update(alice, run.id, { metadata: { a: 1 } });
        expect(valueOf(changed)).toMatchObject({ status, metadata: { a: 1 } });
      }),
    );

    it('should store neither the status nor the metadata when the other is refused', () =>
      onBench(async ({ stores }) => {
        const run = await makeRun(stores, alice);
        const outcome = await stores.runs.update(alice, run.id, { status: 'SUCCESS', metadata: nested(33) });
        expect(refusalsOf(outcome)).toStrictEqual(['INVALID metadata']);
        expect(await stores.runs.get(alice, run.id)).toStrictEqual(run);
        expect(await stores.threads.get(alice, run.threadId)).toMatchObject({ status: 'BUSY' });
      }));

    it.each<[readonly (readonly [number, RunStatus])[], readonly ThreadStatus[]]>([
      [[[0, 'SUCCESS']], ['IDLE']],
      [
        [
          [0, 'ERROR'],
          [1, 'SUCCESS'],
        ],
        ['BUSY', 'IDLE'],
      ],
      [
        [
          [1, 'SUCCESS'],
          [0, 'ERROR'],
        ],
        ['BUSY', 'ERROR'],
      ],
      [
        [
          [0, 'RUNNING'],
          [1, 'INTERRUPTED'],
          [0, 'TIMEOUT'],
        ],
        ['BUSY', 'BUSY', 'ERROR'],
      ],
      [
        [
          [2, 'TIMEOUT'],
          [0, 'INTERRUPTED'],
          [1, 'CANCELLED'],
        ],
        ['BUSY', 'BUSY', 'IDLE'],
      ],
      [
        [
          [2, 'CANCELLED'],
          [1, 'ERROR'],
          [0, 'INTERRUPTED'],
        ],
        ['BUSY', 'BUSY', 'INTERRUPTED'],
      ],
    ])('should set the status of their thread as they end: %j', (moves, statuses) =>
      onBench(async ({ stores, clock }) => {
        const { id: threadId } = await makeThread(stores, alice);
        const other = await makeRun(stores, alice, {}, 'RUNNING');
        const runs: string[] = [];
        const count = Math.max(...moves.map(([index]) => index)) + 1;
        for (let i = 0; i < count; i++) runs.push((await makeRun(stores, alice, { threadId })).id);
        const seen: unknown[] = [];
        for (const [index, status] of moves) {
          // The clock says nothing about which ended last.
          clock.now -= 1_000;
          await moveRun(stores, alice, existing(runs[index]), status);
          seen.push((await stores.threads.get(alice, threadId))?.status);
        }
        expect(seen).toStrictEqual(statuses);
        expect(await stores.threads.get(alice, other.threadId)).toMatchObject({ status: 'BUSY' });
      }),
    );

    it('should leave the status of their thread to the one that ended last, also as they are deleted', () =>
      onBench(async ({ stores }) => {
        const { id: threadId } = await makeThread(stores, alice);
        const status = async (): Promise<unknown> => (await stores.threads.get(alice, threadId))?.status;
        const first = await makeRun(stores, alice, { threadId });
        const second = await makeRun(stores, alice, { threadId });
        const third = await makeRun(stores, alice, { threadId });
        await moveRun(stores, alice, third.id, 'ERROR');
        await moveRun(stores, alice, first.id, 'INTERRUPTED');
        await moveRun(stores, alice, second.id, 'SUCCESS');
        expect(await status()).toBe('IDLE');
        await stores.runs.update(alice, third.id, { metadata: { touched: true } });
        expect(await status()).toBe('IDLE');
        await stores.runs.delete(alice, second.id);
        expect(await status()).toBe('INTERRUPTED');
        const late = await makeRun(stores, alice, { threadId });
        expect(await status()).toBe('BUSY');
        await moveRun(stores, alice, late.id, 'CANCELLED');
        expect(await status()).toBe('IDLE');
        await stores.runs.delete(alice, first.id);
        expect(await status()).toBe('IDLE');
        await stores.runs.delete(alice, late.id);
        expect(await status()).toBe('ERROR');
        await stores.runs.delete(alice, third.id);
        expect(await status()).toBe('IDLE');
      }));

    it.each(['PENDING', 'RUNNING'] as const)('should not be deleted while %s, nor its assistant', (status) =>
      onBench(async ({ stores, published }) => {
        const { id, assistantId } = await makeRun(stores, alice, {}, status);
        const before = await everythingOf(stores, alice);
        published.length = 0;
        expect(refusalsOf(await stores.runs.delete(alice, id))).toStrictEqual(['CONFLICT id']);
        expect(refusalsOf(await stores.assistants.delete(alice, assistantId))).toStrictEqual(['CONFLICT id']);
        expect(await everythingOf(stores, alice)).toStrictEqual(before);
        expect(published).toStrictEqual([]);
      }),
    );

    it.each(ENDS)('should be deleted after %s', (status) =>
      onBench(async ({ stores }) => {
        const run = await makeRun(stores, alice, {}, status);
        expect(await stores.runs.delete(alice, run.id)).toStrictEqual({ value: run });
        expect(await stores.threads.get(alice, run.threadId)).toMatchObject({ status: 'IDLE' });
      }),
    );

    it('should stay when their assistant is deleted, in its list too', () =>
      onBench(async ({ stores, clock }) => {
        const { id: assistantId } = await makeAssistant(stores, alice);
        const ended = await makeRun(stores, alice, { assistantId }, 'ERROR');
        clock.now += 1;
        const active = await makeRun(stores, alice, { assistantId });
        expect(refusalsOf(await stores.assistants.delete(alice, assistantId))).toStrictEqual(['CONFLICT id']);
        const stopped = await moveRun(stores, alice, active.id, 'CANCELLED');
        expect(valueOf(await stores.assistants.delete(alice, assistantId))).toMatchObject({
          id: assistantId,
        });
        expect(await stores.assistants.get(alice, assistantId)).toBeNull();
        expect(await stores.runs.getMany(alice, [ended.id, active.id])).toStrictEqual([ended, stopped]);
        expect(await walk(stores.runs, alice, NEWEST_FIRST, { assistantId })).toStrictEqual([stopped, ended]);
        expect(await stores.runs.count(alice, { parent: { assistantId } })).toBe(2);
        const touched = await stores.runs.update(alice, ended.id, { metadata: { a: 1 } });
        expect(valueOf(touched)).toMatchObject({ assistantId, metadata: { a: 1 } });
        expect(await stores.threads.get(alice, ended.threadId)).toMatchObject({ status: 'ERROR' });
      }));

    it('should go with their thread, active or not, and leave their assistant free', () =>
      onBench(async ({ stores }) => {
        const { id: threadId } = await makeThread(stores, alice);
        const { id: assistantId } = await makeAssistant(stores, alice);
        const parents = { threadId, assistantId };
        const gone = [
          await makeRun(stores, alice, parents),
          await makeRun(stores, alice, parents, 'RUNNING'),
          await makeRun(stores, alice, parents, 'ERROR'),
        ];
        const kept = await makeRun(stores, alice, { assistantId }, 'SUCCESS');
        const thread = await stores.threads.get(alice, threadId);
        expect(await stores.threads.delete(alice, threadId)).toStrictEqual({ value: thread });
        expect(await stores.runs.getMany(alice, idsOf(gone))).toStrictEqual([null, null, null]);
        expect(await walk(stores.runs, alice, NEWEST_FIRST)).toStrictEqual([kept]);
        for (const filter of [{ threadId }, { parent: { threadId } }, { ids: idsOf(gone) }]) {
          expect(await stores.runs.count(alice, filter)).toBe(0);
        }
        expect(await stores.runs.count(alice, { assistantId })).toBe(1);
        for (const { id } of gone) {
          expect(await stores.runs.update(alice, id, { status: 'ERROR' })).toStrictEqual({ value: null });
          expect(await stores.runs.delete(alice, id)).toStrictEqual({ value: null });
        }
        expect(valueOf(await stores.assistants.delete(alice, assistantId))).not.toBeNull();
      }));

    it('should end once when several end them at once', () =>
      onBench(async ({ stores, published }) => {
        for (let i = 0; i < 5; i++) {
          const run = await makeRun(stores, alice);
          published.length = 0;
          const outcomes = await atOnce(
            ...ENDS.map((status) => () => stores.runs.update(alice, run.id, { status })),
          );
          const ended = outcomes.flatMap((outcome) => ('value' in outcome ? [existing(outcome.value)] : []));
          expect(ended).toHaveLength(1);
          expect(await stores.runs.get(alice, run.id)).toStrictEqual(ended[0]);
          const status = THREAD_AFTER[existing(ended[0]).status];
          expect(await stores.threads.get(alice, run.threadId)).toMatchObject({ status });
          expect(published).toHaveLength(2);
        }
      }));

    it('should keep their thread BUSY as long as one of them is active, whatever happens at once', () =>
      onBench(async ({ stores }) => {
        const { id: threadId } = await makeThread(stores, alice);
        const { id: assistantId } = await makeAssistant(stores, alice);
        const create = (): ReturnType<Stores['runs']['create']> =>
          stores.runs.create(alice, { threadId, assistantId });
        const created = (await atOnce(create, create, create, create)).map(valueOf);
        const [a, ...others] = created;
        await atOnce<unknown>(
          ...others.map(
            ({ id }) =>
              () =>
                stores.runs.update(alice, id, { status: 'ERROR' }),
          ),
          create,
          () => stores.threads.update(alice, threadId, { metadata: { a: 1 } }),
        );
        expect(await stores.threads.get(alice, threadId)).toMatchObject({
          status: 'BUSY',
          metadata: { a: 1 },
        });
        const active = await walk(stores.runs, alice, NEWEST_FIRST, { status: ['PENDING'] });
        expect(active).toHaveLength(2);
        expect(idsOf(active)).toContain(a?.id);
        await atOnce(
          ...active.map(
            ({ id }) =>
              () =>
                stores.runs.update(alice, id, { status: 'SUCCESS' }),
          ),
        );
        await atOnce(
          ...others.map(
            ({ id }) =>
              () =>
                stores.runs.delete(alice, id),
          ),
        );
        expect(await stores.threads.get(alice, threadId)).toMatchObject({ status: 'IDLE' });
        expect(await stores.runs.count(alice, { threadId })).toBe(2);
      }));

    it('should never be without their thread or of an assistant that went while they were active', () =>
      onBench(async ({ stores }) => {
        for (let i = 0; i < 5; i++) {
          const { id: threadId } = await makeThread(stores, alice);
          const { id: assistantId } = await makeAssistant(stores, alice);
          const create = (): ReturnType<Stores['runs']['create']> =>
            stores.runs.create(alice, { threadId, assistantId });
          await atOnce<unknown>(create, () => stores.threads.delete(alice, threadId), create);
          expect(await stores.runs.count(alice, { threadId })).toBe(0);

          const other = await makeThread(stores, alice);
          const parents = { threadId: other.id, assistantId };
          await atOnce<unknown>(
            () => stores.assistants.delete(alice, assistantId),
            () => stores.runs.create(alice, parents),
          );
          const active = await stores.runs.count(alice, { assistantId });
          expect((await stores.assistants.get(alice, assistantId)) === null).toBe(active === 0);
          expect(await stores.threads.get(alice, other.id)).toMatchObject({
            status: active > 0 ? 'BUSY' : 'IDLE',
          });
        }
      }));

    it('should lose no update when several happen at once', () =>
      onBench(async ({ stores }) => {
        const { id } = await makeAssistant(stores, alice);
        const keys = ['a', 'b', 'c', 'd', 'e'];
        await atOnce(
          ...keys.map((key) => () => stores.assistants.update(alice, id, { metadata: { [key]: 1 } })),
        );
        expect(await stores.assistants.get(alice, id)).toMatchObject({
          version: 6,
          metadata: { a: 1, b: 1, c: 1, d: 1, e: 1, owner: 'alice' },
        });
        const deletions = await atOnce(...keys.map(() => () => stores.assistants.delete(alice, id)));
        expect(deletions.filter((outcome) => valueOf(outcome) !== null)).toHaveLength(1);
      }));
  });
}

/** Starts all calls before any of them has answered. */
async function atOnce<T>(...calls: readonly (() => MaybePromise<T>)[]): Promise<T[]> {
  return Promise.all(calls.map(call));
}
