import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asOwner as owner } from '../../../src/store/owner.ts';
import type { JsonObject } from '../../../src/store/records.ts';
import { type OnBench, refusalsOf, valueOf } from '../../support/bench.ts';
import { nested, nestedArrays, ODD_NAMES, single, sized, UNSTORABLE } from '../../support/json-samples.ts';
import { makeAssistant, makeThread } from '../../support/records.ts';
import { claimNew, claimOne, enqueue, finish, heartbeat, saveCheckpoint } from '../../support/worker.ts';

const [alice, bob] = [owner('alice'), owner('bob')];
const KIB_512 = 524_288;

/** What no payload can be: the size of a payload is limited otherwise. */
const REFUSED: readonly (readonly [string, JsonObject])[] = [
  ...UNSTORABLE.filter(([name]) => !name.startsWith('64 KiB')),
  ['512 KiB and a byte', sized(KIB_512 + 1)],
  ['512 KiB and a byte, in characters of 4 bytes', sized(KIB_512 + 1, 'a', '😀')],
];

const GOOD: readonly (readonly [string, JsonObject])[] = [
  ['nothing', {}],
  ['512 KiB', sized(KIB_512)],
  ['512 KiB, in characters of 4 bytes', sized(KIB_512, 'a', '😀')],
  ['512 KiB of escapes', single('a', '"'.repeat((KIB_512 - 8) / 2))],
  ['32 levels of objects', nested(32)],
  ['32 levels of arrays', nestedArrays(32)],
  ['odd keys', Object.fromEntries(ODD_NAMES.map((name) => [name, single(name, [null])]))],
  [
    'odd values',
    { z: 1, a: [1.5e300, 5e-324, 1e21, 0.1, -0, true, false, null], '': { ' ': '\u2028\ud83d\ude00"\\' } },
  ],
];

/** Inputs, outputs, checkpoints and the data of events. */
export function testPayloads(onBench: OnBench): void {
  describe('payloads', () => {
    it.each(GOOD)('should be kept as they are: %s', (_, value) =>
      onBench(async ({ stores }) => {
        const text = JSON.stringify(value);
        const { lease, run, input } = await claimNew(stores, alice, { input: value });
        expect(input === text).toBe(true);
        expect((await stores.runs.payload(alice, run.id, 'input')) === text).toBe(true);
        expect(await saveCheckpoint(stores, alice, lease, value)).toMatchObject({ held: true });
        expect((await stores.runs.payload(alice, run.id, 'checkpoint')) === text).toBe(true);
        await stores.queue.release(alice, [lease]);
        const again = await claimOne(stores, alice);
        expect(again.checkpoint === text).toBe(true);
        await finish(stores, alice, again.lease, { output: value });
        expect((await stores.runs.payload(alice, run.id, 'output')) === text).toBe(true);
        const next = await claimNew(stores, alice, { threadId: run.threadId });
        expect(next.values === text).toBe(true);
      }),
    );

    it('should be kept as they are in events, and parse to what is serialized alike', () =>
      onBench(async ({ stores }) => {
        const { lease, run } = await claimNew(stores, alice);
        const value = fc.jsonValue({ maxDepth: 3, stringUnit: 'grapheme' });
        const key = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom(...ODD_NAMES, '10', '9', '-0'));
        const data = fc
          .dictionary(key, value)
          .filter((object) => !JSON.stringify(object).includes('\\u0000'));
        let offset = 0;
        await fc.assert(
          fc.asyncProperty(fc.array(data, { minLength: 1, maxLength: 20 }), async (drawn) => {
            // As a request has them.
            const objects: JsonObject[] = JSON.parse(JSON.stringify(drawn));
            const events = objects.map((object) => ({ type: 'A', data: object }));
            await stores.queue.appendEvents(alice, { lease, offset, events });
            const range = { after: offset + 1, limit: events.length, maxBytes: 1e9 };
            const page = await stores.runs.events(alice, run.id, range);
            offset += events.length;
            const texts = page?.events.map((event) => event.data) ?? [];
            expect(texts).toStrictEqual(objects.map((object) => JSON.stringify(object)));
            for (const text of texts) expect(JSON.stringify(JSON.parse(text))).toBe(text);
          }),
          { numRuns: 20 },
        );
      }));

    it.each(REFUSED)('should be refused with %s, and store nothing', (_, value) =>
      onBench(async ({ stores, published }) => {
        const { id: threadId } = await makeThread(stores, alice);
        const { id: assistantId } = await makeAssistant(stores, alice);
        published.length = 0;
        const created = await stores.runs.create(alice, { threadId, assistantId, input: value });
        expect(refusalsOf(created)).toStrictEqual(['INVALID input']);
        expect(published).toStrictEqual([]);
        const { lease, run } = await claimNew(stores, alice);
        published.length = 0;
        expect(refusalsOf(await stores.queue.checkpoint(alice, { lease, values: value }))).toStrictEqual([
          'INVALID values',
        ]);
        const end = { lease, retry: false, status: 'INTERRUPTED' } as const;
        expect(refusalsOf(await stores.queue.finish(alice, { ...end, output: value }))).toStrictEqual([
          'INVALID output',
        ]);
        expect(refusalsOf(await stores.queue.finish(alice, { ...end, interrupt: value }))).toStrictEqual([
          'INVALID interrupt',
        ]);
        const error = { code: 'E', message: '', details: value };
        const failed = await stores.queue.finish(alice, { lease, retry: false, status: 'ERROR', error });
        expect(refusalsOf(failed)).toStrictEqual(['INVALID error.details']);
        expect(published).toStrictEqual([]);
        expect(await stores.runs.get(alice, run.id)).toStrictEqual(run);
        expect(await heartbeat(stores, alice, lease)).toMatchObject({ held: true });
      }),
    );

    it('should be 64 KiB at most where they are in the record itself', () =>
      onBench(async ({ stores }) => {
        const { lease, run } = await claimNew(stores, alice);
        const end = { lease, retry: false, status: 'INTERRUPTED' } as const;
        const tooLarge = await stores.queue.finish(alice, { ...end, interrupt: sized(65_537) });
        expect(refusalsOf(tooLarge)).toStrictEqual(['INVALID interrupt']);
        const details = sized(65_537);
        const failed = {
          lease,
          retry: false,
          status: 'ERROR',
          error: { code: 'E', message: '', details },
        } as const;
        expect(refusalsOf(await stores.queue.finish(alice, failed))).toStrictEqual(['INVALID error.details']);
        const interrupt = sized(65_536);
        expect(valueOf(await stores.queue.finish(alice, { ...end, interrupt }))).toMatchObject({
          accepted: true,
        });
        expect(await stores.runs.get(alice, run.id)).toMatchObject({ interrupt });
      }));

    it("should be the caller's own no more once they are stored", () =>
      onBench(async ({ stores }) => {
        const [input, values, output] = [{ list: [1] }, { list: [2] }, { list: [3] }];
        const { lease, run } = await claimNew(stores, alice, { input });
        await saveCheckpoint(stores, alice, lease, values);
        const data = { list: [4] };
        await stores.queue.appendEvents(alice, { lease, offset: 0, events: [{ type: 'A', data }] });
        await finish(stores, alice, lease, { output });
        for (const { list } of [input, values, output, data]) list.push(9);
        expect(await stores.runs.payload(alice, run.id, 'input')).toBe('{"list":[1]}');
        expect(await stores.runs.payload(alice, run.id, 'checkpoint')).toBe('{"list":[2]}');
        expect(await stores.runs.payload(alice, run.id, 'output')).toBe('{"list":[3]}');
        const page = await stores.runs.events(alice, run.id, { after: 1, limit: 1, maxBytes: 100 });
        expect(page?.events.map((event) => event.data)).toStrictEqual(['{"list":[4]}']);
      }));

    it("should be nobody else's, and null where there is no such run", () =>
      onBench(async ({ stores }) => {
        const { lease, run } = await claimNew(stores, alice, { input: { a: 1 } });
        await saveCheckpoint(stores, alice, lease, { a: 2 });
        await finish(stores, alice, lease);
        for (const name of ['input', 'output', 'checkpoint'] as const) {
          expect(await stores.runs.payload(alice, run.id, name)).not.toBeNull();
          expect(await stores.runs.payload(bob, run.id, name)).toBeNull();
          for (const id of ['', 'x', run.threadId])
            expect(await stores.runs.payload(alice, id, name)).toBeNull();
        }
        await stores.runs.delete(alice, run.id);
        for (const name of ['input', 'output', 'checkpoint'] as const) {
          expect(await stores.runs.payload(alice, run.id, name)).toBeNull();
        }
      }));

    it('should be changes of the run that are told, save that its checkpoint is not in them', () =>
      onBench(async ({ stores, published, clock }) => {
        const { lease, run } = await claimNew(stores, alice);
        published.length = 0;
        clock.now += 100;
        await saveCheckpoint(stores, alice, lease, { a: 1 });
        const first = await stores.runs.get(alice, run.id);
        clock.now += 100;
        await saveCheckpoint(stores, alice, lease, { a: 1 });
        const second = await stores.runs.get(alice, run.id);
        expect(first).toStrictEqual({ ...run, hasCheckpoint: true, updatedAt: first?.updatedAt });
        expect(published.map(({ change }) => change)).toStrictEqual([
          { resource: 'run', before: run, after: first },
          { resource: 'run', before: first, after: second },
        ]);
        expect(Date.parse(second?.updatedAt ?? '')).toBe(clock.now);
      }));

    it('should be no labels: inputs do not change what a list finds', () =>
      onBench(async ({ stores }) => {
        await enqueue(stores, alice, { input: { label: 1 } });
        expect(await stores.runs.count(alice, { metadata: { label: 1 } })).toBe(0);
        expect(await stores.runs.count(alice, { metadata: {} })).toBe(1);
      }));
  });
}
