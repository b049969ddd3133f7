import { describe, expect, it } from 'vitest';
import { asOwner as owner } from '../../../src/store/owner.ts';
import type { JsonObject } from '../../../src/store/records.ts';
import { call, type OnBench, refusalsOf, valueOf } from '../../support/bench.ts';
import { existing, makeAssistant, makeThread, moveRun } from '../../support/records.ts';
import { everythingOf } from '../../support/walk.ts';
import { claim, claimOne, finish } from '../../support/worker.ts';

const [alice, bob] = [owner('alice'), owner('bob')];
const key = { idempotencyKey: 'key 1' };

/** Creations that are safe to repeat. */
export function testIdempotency(onBench: OnBench): void {
  describe('a creation with a key', () => {
    it('should be done once, and answer the record as it is now: assistant', () =>
      onBench(async ({ stores, published }) => {
        const input = { graphId: 'g', config: { a: 1 }, ...key };
        const first = await stores.assistants.create(alice, input);
        expect(first).toMatchObject({ replayed: false });
        const { id } = valueOf(first);
        const changed = valueOf(await stores.assistants.update(alice, id, { name: 'New', graphId: 'h' }));
        published.length = 0;
        expect(await stores.assistants.create(alice, input)).toStrictEqual({
          value: changed,
          replayed: true,
        });
        expect(await stores.assistants.count(alice)).toBe(1);
        expect(published).toStrictEqual([]);
      }));

    it('should be done once, and answer the record as it is now: thread', () =>
      onBench(async ({ stores, published }) => {
        const first = await stores.threads.create(alice, { metadata: { a: 1 }, ...key });
        expect(first).toMatchObject({ replayed: false });
        const { id } = valueOf(first);
        const changed = valueOf(await stores.threads.update(alice, id, { metadata: { a: 2 } }));
        published.length = 0;
        const again = await stores.threads.create(alice, { metadata: { a: 1 }, ...key });
        expect(again).toStrictEqual({ value: changed, replayed: true });
        expect(await stores.threads.count(alice)).toBe(1);
        expect(published).toStrictEqual([]);
      }));

    it('should be done once, and answer the record as it is now: run', () =>
      onBench(async ({ stores, published, clock }) => {
        const { id: threadId } = await makeThread(stores, alice);
        const { id: assistantId } = await makeAssistant(stores, alice);
        const input = { threadId, assistantId, input: { n: 1 }, ...key };
        const first = await stores.runs.create(alice, input);
        expect(first).toMatchObject({ replayed: false });
        expect(valueOf(first)).not.toHaveProperty('idempotencyKey');
        const { lease } = await claimOne(stores, alice);
        await finish(stores, alice, lease);
        const ended = await stores.runs.get(alice, valueOf(first).id);
        published.length = 0;
        clock.now += 1_000_000_000;
        expect(await stores.runs.create(alice, input)).toStrictEqual({ value: ended, replayed: true });
        expect(await stores.runs.count(alice)).toBe(1);
        expect(await claim(stores, alice)).toStrictEqual([]);
        expect(published).toStrictEqual([]);
      }));

    it('should cancel nothing and make no thread when it is repeated', () =>
      onBench(async ({ stores, published }) => {
        const { id: assistantId } = await makeAssistant(stores, alice);
        const input = { assistantId, ...key };
        const first = valueOf(await stores.runs.create(alice, input));
        const thread = { threadId: first.threadId, assistantId };
        const cancelling = { ...thread, multitaskStrategy: 'ROLLBACK', idempotencyKey: '2' } as const;
        valueOf(await stores.runs.create(alice, cancelling));
        const last = valueOf(await stores.runs.create(alice, { ...thread, idempotencyKey: '3' }));
        const before = await everythingOf(stores, alice);
        published.length = 0;
        expect(await stores.runs.create(alice, input)).toMatchObject({
          value: { id: first.id, status: 'CANCELLED' },
          replayed: true,
        });
        expect(await stores.runs.create(alice, cancelling)).toMatchObject({ replayed: true });
        expect(await everythingOf(stores, alice)).toStrictEqual(before);
        expect(await stores.runs.get(alice, last.id)).toMatchObject({ status: 'PENDING' });
        expect(published).toStrictEqual([]);
      }));

    it('should count what was left out as its default, and keys in any order as the same', () =>
      onBench(async ({ stores }) => {
        expect.hasAssertions();
        const { id: threadId } = await makeThread(stores, alice);
        const { id: assistantId } = await makeAssistant(stores, alice);
        const metadata: JsonObject = { a: { x: [1, { p: 1, q: 2 }], y: null }, '1': 0, b: 1.5 };
        const turned: JsonObject = { b: 1.5, '1': -0, a: { y: null, x: [1, { q: 2, p: 1 }] } };
        const assistant = { graphId: 'g', ...key };
        const defaults = { name: 'Untitled', description: null, config: {}, context: {}, metadata: {} };
        await expectSame([
          () => stores.assistants.create(alice, assistant),
          () => stores.assistants.create(alice, { ...assistant, ...defaults }),
          () => stores.assistants.create(alice, { ...assistant, name: undefined, description: undefined }),
          () => stores.assistants.create(alice, { ...key, metadata: {}, graphId: 'g' }),
        ]);
        await expectSame([
          () => stores.threads.create(alice, key),
          () => stores.threads.create(alice, { ...key, metadata: {} }),
          () => stores.threads.create(alice, { ...key, metadata: undefined }),
        ]);
        await expectSame([
          () => stores.threads.create(alice, { metadata, idempotencyKey: '2' }),
          () => stores.threads.create(alice, { metadata: turned, idempotencyKey: '2' }),
        ]);
        const run = { threadId, assistantId, ...key };
        const rest = { delaySeconds: 0, timeoutSeconds: null, maxAttempts: 3, resumes: null, input: null };
        await expectSame([
          () => stores.runs.create(alice, run),
          () => stores.runs.create(alice, { ...run, ...rest, metadata: {}, multitaskStrategy: 'ENQUEUE' }),
          () => stores.runs.create(alice, { ...run, input: undefined, maxAttempts: undefined }),
        ]);
        await expectSame([
          () => stores.runs.create(alice, { assistantId, input: metadata, idempotencyKey: '3' }),
          () =>
            stores.runs.create(alice, { assistantId, input: turned, threadId: null, idempotencyKey: '3' }),
        ]);
      }));

    it('should be a conflict with another input, whatever differs', () =>
      onBench(async ({ stores, published }) => {
        const { id: threadId } = await makeThread(stores, alice);
        const { id: assistantId } = await makeAssistant(stores, alice);
        const metadata = { a: [1, 2], b: { c: 1 } };
        const assistant = { graphId: 'g', metadata, ...key };
        valueOf(await stores.assistants.create(alice, assistant));
        valueOf(await stores.threads.create(alice, { metadata, ...key }));
        const run = { threadId, assistantId, input: { a: 1 }, ...key };
        valueOf(await stores.runs.create(alice, run));
        const before = await everythingOf(stores, alice);
        published.length = 0;
        const conflict = ['CONFLICT idempotencyKey'];
        for (const other of [
          { graphId: 'h' },
          { name: 'untitled' },
          { description: '' },
          { config: { a: 1 } },
          { context: { a: 1 } },
          { metadata: {} },
        ]) {
          expect(refusalsOf(await stores.assistants.create(alice, { ...assistant, ...other }))).toStrictEqual(
            conflict,
          );
        }
        for (const other of [
          {},
          { ...metadata, a: [2, 1] },
          { ...metadata, b: { c: '1' } },
          { ...metadata, d: null },
        ]) {
          expect(refusalsOf(await stores.threads.create(alice, { metadata: other, ...key }))).toStrictEqual(
            conflict,
          );
        }
        for (const other of [
          { input: { a: true } },
          { input: null },
          { threadId: null },
          { metadata: { a: 1 } },
          { multitaskStrategy: 'REJECT' as const },
          { delaySeconds: 1 },
          { timeoutSeconds: 1 },
          { maxAttempts: 1 },
          { resumes: threadId },
        ]) {
          expect(refusalsOf(await stores.runs.create(alice, { ...run, ...other }))).toStrictEqual(conflict);
        }
        expect(await everythingOf(stores, alice)).toStrictEqual(before);
        expect(published).toStrictEqual([]);
      }));

    it('should be looked up before anything else is checked', () =>
      onBench(async ({ stores }) => {
        const run = valueOf(
          await stores.runs.create(alice, {
            assistantId: (await makeAssistant(stores, alice)).id,
            multitaskStrategy: 'REJECT',
            ...key,
          }),
        );
        const { assistantId } = run;
        const again = { assistantId, multitaskStrategy: 'REJECT', ...key } as const;
        expect(await stores.runs.create(alice, again)).toStrictEqual({ value: run, replayed: true });
        // With another input it is that which is wrong, whatever else is.
        for (const bad of [
          { assistantId: 'x' },
          { maxAttempts: -1 },
          { input: { a: '\0' } },
          { threadId: 'x' },
        ]) {
          const refused = await stores.runs.create(alice, { ...again, ...bad });
          expect(refusalsOf(refused)).toStrictEqual(['CONFLICT idempotencyKey']);
        }
        await moveRun(stores, alice, run.id, 'SUCCESS');
        valueOf(await stores.assistants.delete(alice, assistantId));
        expect(await stores.runs.create(alice, again)).toMatchObject({
          value: { id: run.id },
          replayed: true,
        });
        const answer = {
          assistantId: (await makeAssistant(stores, alice)).id,
          resumes: 'x',
          idempotencyKey: '2',
        };
        expect(refusalsOf(await stores.runs.create(alice, answer))).toStrictEqual(['NOT_FOUND resumes']);
      }));

    it('should keep no key where it was refused', () =>
      onBench(async ({ stores }) => {
        const { id: assistantId } = await makeAssistant(stores, alice);
        const refused = await stores.runs.create(alice, { assistantId: 'x', ...key });
        expect(refusalsOf(refused)).toStrictEqual(['NOT_FOUND assistantId']);
        expect(await stores.runs.create(alice, { assistantId, ...key })).toMatchObject({ replayed: false });
        expect(
          refusalsOf(await stores.threads.create(alice, { metadata: { a: '\0' }, ...key })),
        ).toStrictEqual(['INVALID metadata']);
        expect(await stores.threads.create(alice, key)).toMatchObject({ replayed: false });
        expect(refusalsOf(await stores.assistants.create(alice, { graphId: '', ...key }))).toStrictEqual([
          'INVALID graphId',
        ]);
        expect(await stores.assistants.create(alice, { graphId: 'g', ...key })).toMatchObject({
          replayed: false,
        });
      }));

    it('should be of one owner, of one kind of resource, and of that very key', () =>
      onBench(async ({ stores }) => {
        const { id: assistantId } = await makeAssistant(stores, alice);
        const theirs = await makeAssistant(stores, bob);
        for (const idempotencyKey of [
          'key',
          'KEY',
          'key ',
          ' key',
          '__proto__',
          '😀'.repeat(255),
          'é',
          'e\u0301',
        ]) {
          const keyed = { idempotencyKey };
          const creations = [
            () => stores.assistants.create(alice, { graphId: 'g', ...keyed }),
            () => stores.threads.create(alice, keyed),
            () => stores.runs.create(alice, { assistantId, ...keyed }),
            () => stores.assistants.create(bob, { graphId: 'other', ...keyed }),
            () => stores.threads.create(bob, { metadata: { other: 1 }, ...keyed }),
            () => stores.runs.create(bob, { assistantId: theirs.id, ...keyed }),
          ];
          for (const create of creations) expect(await create()).toMatchObject({ replayed: false });
          for (const create of creations) expect(await create()).toMatchObject({ replayed: true });
        }
      }));

    it('should be refused with a key that is blank, too long, or cannot be stored', () =>
      onBench(async ({ stores }) => {
        const { id: assistantId } = await makeAssistant(stores, alice);
        for (const idempotencyKey of ['', ' ', '\u0085', 'x'.repeat(256), 'a\0', '\ud800']) {
          for (const create of [
            () => stores.assistants.create(alice, { graphId: 'g', idempotencyKey }),
            () => stores.threads.create(alice, { idempotencyKey }),
            () => stores.runs.create(alice, { assistantId, idempotencyKey }),
          ]) {
            expect(refusalsOf(await call<Awaited<ReturnType<typeof create>>>(create))).toStrictEqual([
              'INVALID idempotencyKey',
            ]);
          }
        }
        expect(await stores.threads.create(alice, { idempotencyKey: null })).toMatchObject({
          replayed: false,
        });
        expect(await stores.threads.create(alice, { idempotencyKey: null })).toMatchObject({
          replayed: false,
        });
        expect(await stores.threads.count(alice)).toBe(2);
      }));

    it('should be free again when its record is deleted, also with its thread', () =>
      onBench(async ({ stores }) => {
        const assistant = valueOf(await stores.assistants.create(alice, { graphId: 'g', ...key }));
        await stores.assistants.delete(alice, assistant.id);
        const other = await stores.assistants.create(alice, { graphId: 'h', ...key });
        expect(other).toMatchObject({ replayed: false, value: { graphId: 'h' } });
        const { id: threadId } = valueOf(await stores.threads.create(alice, key));
        const run = { assistantId: valueOf(other).id, threadId, ...key };
        const { id } = valueOf(await stores.runs.create(alice, run));
        await stores.runs.cancel(alice, id, 'INTERRUPT');
        await stores.runs.delete(alice, id);
        const again = await stores.runs.create(alice, { ...run, maxAttempts: 1 });
        expect(again).toMatchObject({ replayed: false });
        expect(valueOf(again).id).not.toBe(id);
        await stores.threads.delete(alice, threadId);
        expect(await stores.runs.create(alice, { assistantId: run.assistantId, ...key })).toMatchObject({
          replayed: false,
        });
        expect(await stores.threads.create(alice, { metadata: { a: 1 }, ...key })).toMatchObject({
          replayed: false,
        });
      }));

    it('should make one record when several come at once', () =>
      onBench(async ({ stores, published }) => {
        const { id: assistantId } = await makeAssistant(stores, alice);
        const kinds = [
          () => stores.assistants.create(alice, { graphId: 'g', ...key }),
          () => stores.threads.create(alice, key),
          () => stores.runs.create(alice, { assistantId, ...key }),
        ];
        for (const create of kinds) {
          published.length = 0;
          const outcomes = await Promise.all(
            Array.from({ length: 5 }, () => call<Awaited<ReturnType<typeof create>>>(create)),
          );
          const replayed = outcomes.map((outcome) => 'replayed' in outcome && outcome.replayed);
          expect(replayed).toHaveLength(5);
          expect(replayed.filter((isReplayed) => !isReplayed)).toHaveLength(1);
          expect(new Set(outcomes.map((outcome) => valueOf<{ id: string }>(outcome).id)).size).toBe(1);
          expect(published.filter(({ change }) => change.before === null).length).toBeLessThanOrEqual(2);
        }
        expect(await stores.runs.count(alice)).toBe(1);
        expect(await stores.threads.count(alice)).toBe(2);
        expect(await stores.assistants.count(alice)).toBe(2);
      }));

    it('should be a conflict for all but one when several come at once with different inputs', () =>
      onBench(async ({ stores }) => {
        const outcomes = await Promise.all(
          Array.from({ length: 4 }, (_, n) =>
            call(() => stores.threads.create(alice, { metadata: { n }, ...key })),
          ),
        );
        expect(outcomes.flatMap(refusalsOf)).toStrictEqual(
          Array.from({ length: 3 }, () => 'CONFLICT idempotencyKey'),
        );
        const made = existing(outcomes.find((outcome) => 'value' in outcome));
        expect(await stores.threads.get(alice, valueOf(made).id)).toStrictEqual(valueOf(made));
      }));
  });
}

/** Creations of which the first makes a record, and the others answer it. */
async function expectSame(creations: readonly (() => unknown)[]): Promise<void> {
  for (const [index, create] of creations.entries()) {
    expect(await create()).toMatchObject({ replayed: index > 0 });
  }
}
