import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../src/store/execution.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
import type { AppendOutcome } from '../../../src/store/queue.ts';
import type { JsonObject } from '../../../src/store/records.ts';
import { call, type OnBench, START } from '../../support/bench.ts';
import { HOUR } from '../../support/hour.ts';
import { nested, sized, UNSTORABLE } from '../../support/json-samples.ts';
import { existing, makeRun } from '../../support/records.ts';
import {
  append,
  claim,
  claimNew,
  claimOne,
  enqueue,
  eventsOf,
  finish,
  heartbeat,
  lost,
  saveCheckpoint,
} from '../../support/worker.ts';

const [alice, bob, operator] = [owner('alice'), owner('bob'), owner('operator')];
const ALL = { after: 0, limit: 100_000, maxBytes: 1e9 };
const error = { code: 'MODEL', message: 'The model is away.' };
const KIB_64 = 65_536;

/** The events of runs: those of workers and those of the server. */
export function testRunEvents(onBench: OnBench): void {
  describe('events of a run', () => {
    it('should be kept in order, with those of the server first and last', () =>
      onBench(async ({ stores, clock }) => {
        const { lease, run } = await claimNew(stores, alice);
        clock.now += 1_000;
        const events = [
          { type: 'TEXT', data: { delta: 'Hi', n: [1, null] } },
          { type: 'TEXT', data: {} },
        ];
        await stores.queue.appendEvents(alice, { lease, offset: 0, events });
        clock.now += 1_000;
        await append(stores, alice, lease, 2, ['😀'.repeat(64)]);
        await finish(stores, alice, lease, { output: { a: 1 } });
        const [first, second, third] = [0, 1_000, 2_000].map((ms) => new Date(START + ms).toISOString());
        const page = await stores.runs.events(alice, run.id, ALL);
        const server = { threadId: run.threadId, runId: run.id };
        expect(page?.events.map((event) => ({ ...event, data: JSON.parse(event.data) }))).toStrictEqual([
          { seq: 1, attempt: 1, type: 'RUN_STARTED', data: { ...server, attempt: 1 }, at: first },
          { seq: 2, attempt: 1, type: 'TEXT', data: { delta: 'Hi', n: [1, null] }, at: second },
          { seq: 3, attempt: 1, type: 'TEXT', data: {}, at: second },
          { seq: 4, attempt: 1, type: '😀'.repeat(64), data: {}, at: third },
          { seq: 5, attempt: 1, type: 'RUN_FINISHED', data: { ...server, status: 'SUCCESS' }, at: third },
        ]);
        expect(page).toMatchObject({
          lastSeq: 5,
          missedUpTo: null,
          run: await stores.runs.get(alice, run.id),
        });
      }));

    it.each([
      ['SUCCESS', {}, 'RUN_FINISHED', { status: 'SUCCESS' }],
      ['INTERRUPTED', {}, 'RUN_FINISHED', { status: 'INTERRUPTED' }],
      ['CANCELLED', {}, 'RUN_FINISHED', { status: 'CANCELLED' }],
      ['ERROR', { error: { ...error, details: { secret: 1 } } }, 'RUN_ERROR', error],
      ['TIMEOUT', { error }, 'RUN_ERROR', error],
    ] as const)('should end with the status or the error: %s', (status, end, type, data) =>
      onBench(async ({ stores, appended }) => {
        const { lease, run } = await claimNew(stores, alice);
        appended.length = 0;
        await finish(stores, alice, lease, { status, ...end });
        const page = existing(await stores.runs.events(alice, run.id, { ...ALL, after: 1 }));
        const server = type === 'RUN_FINISHED' ? { threadId: run.threadId, runId: run.id } : {};
        expect(page.events.map((event) => [event.seq, event.type, JSON.parse(event.data)])).toStrictEqual([
          [2, type, { ...server, ...data }],
        ]);
        expect(appended).toStrictEqual([{ owner: alice, run: page.run, events: page.events }]);
      }),
    );

    it('should end with an error also where the server ends the run, or an update', () =>
      onBench(async ({ stores, pass }) => {
        const last = async (id: string): Promise<unknown> => {
          const event = existing((await stores.runs.events(alice, id, ALL))?.events.at(-1));
          return [event.type, JSON.parse(event.data)];
        };
        const exhausted = await claimNew(stores, alice, { maxAttempts: 1 });
        const late = await claimNew(stores, alice, { timeoutSeconds: 10 });
        const moved = await claimNew(stores, alice);
        await stores.queue.release(alice, [moved.lease]);
        await stores.runs.update(alice, moved.run.id, { status: 'ERROR' });
        await pass(30);
        const message = expect.any(String);
        expect(await last(exhausted.run.id)).toStrictEqual([
          'RUN_ERROR',
          { code: 'ATTEMPTS_EXHAUSTED', message },
        ]);
        expect(await last(late.run.id)).toStrictEqual(['RUN_ERROR', { code: 'TIMEOUT', message }]);
        expect(await last(moved.run.id)).toStrictEqual(['RUN_ERROR', { code: 'ERROR', message }]);
      }));

    it('should be none where no worker has held the run', () =>
      onBench(async ({ stores, appended }) => {
        const run = await makeRun(stores, alice, {}, 'ERROR');
        const cancelled = await enqueue(stores, alice);
        await stores.runs.cancel(alice, cancelled.id, 'INTERRUPT');
        expect(await stores.runs.events(alice, run.id, ALL)).toStrictEqual({
          run,
          events: [],
          lastSeq: 0,
          missedUpTo: null,
        });
        expect(await eventsOf(stores, alice, cancelled.id)).toStrictEqual([]);
        expect(appended).toStrictEqual([]);
      }));

    it('should be published as they are stored, with the run, and be no changes of it', () =>
      onBench(async ({ stores, appended, published, clock }) => {
        const { id } = await enqueue(stores, alice);
        expect(appended).toStrictEqual([]);
        const { lease, run } = await claimOne(stores, operator, { allOwners: true });
        published.length = 0;
        clock.now += 10;
        await append(stores, operator, lease, 0, ['A', 'B']);
        await append(stores, operator, lease, 2, []);
        await append(stores, operator, lease, 0, ['A', 'B']);
        await heartbeat(stores, operator, lease);
        expect(published).toStrictEqual([]);
        expect(await stores.runs.get(alice, id)).toStrictEqual(run);
        const { events } = existing(await stores.runs.events(alice, id, ALL));
        const told = appended.map((one) => ({ ...one, events: one.events.map(({ seq }) => seq) }));
        // A store may leave the events out: then they are read.
        const isRead = appended.some((one) => one.events.length === 0);
        expect(told).toStrictEqual([
          { owner: alice, run, events: isRead ? [] : [1] },
          { owner: alice, run, events: isRead ? [] : [2, 3] },
        ]);
        expect(appended.flatMap((one) => one.events)).toStrictEqual(isRead ? [] : events);
      }));

    it('should go on with their numbers over all attempts, and count anew for each claim', () =>
      onBench(async ({ stores, pass }) => {
        const { lease, run } = await claimNew(stores, alice);
        expect(await append(stores, alice, lease, 0, ['A', 'B'])).toMatchObject({ storedEvents: 2 });
        await pass(30);
        await pass(1);
        const second = await claimOne(stores, alice);
        expect(await heartbeat(stores, alice, second.lease)).toMatchObject({ storedEvents: 0 });
        expect(await append(stores, alice, second.lease, 0, ['C'])).toMatchObject({ storedEvents: 1 });
        await stores.queue.release(alice, [second.lease]);
        const third = await claimOne(stores, alice);
        expect(await append(stores, alice, third.lease, 0, ['D'])).toMatchObject({ storedEvents: 1 });
        await finish(stores, alice, third.lease, {
          status: 'ERROR',
          error,
          retry: true,
          retryAfterSeconds: 0,
        });
        const fourth = await claimOne(stores, alice);
        await finish(stores, alice, fourth.lease);
        expect(await eventsOf(stores, alice, run.id)).toStrictEqual([
          '1 1 RUN_STARTED',
          '2 1 A',
          '3 1 B',
          '4 2 RUN_STARTED',
          '5 2 C',
          '6 2 RUN_STARTED',
          '7 2 D',
          '8 3 RUN_STARTED',
          '9 3 RUN_FINISHED',
        ]);
      }));

    it('should be stored once, however often and with whatever overlap they are sent', () =>
      onBench(async ({ stores }) => {
        const { lease, run } = await claimNew(stores, alice);
        const sent = ['A', 'B', 'C', 'D', 'E'];
        const spans = [
          [0, 2],
          [0, 2],
          [1, 3],
          [0, 1],
          [3, 3],
          [0, 5],
          [4, 5],
          [5, 5],
        ] as const;
        let stored = 0;
        for (const [from, to] of spans) {
          stored = Math.max(stored, to);
          const state = await append(stores, alice, lease, from, sent.slice(from, to));
          expect(state).toMatchObject({ held: true, storedEvents: stored });
        }
        expect((await eventsOf(stores, alice, run.id)).slice(1)).toStrictEqual(
          sent.map((type, index) => `${index + 2} 1 ${type}`),
        );
      }));

    it('should be stored once when they are sent several times at once', () =>
      onBench(async ({ stores }) => {
        const { lease, run } = await claimNew(stores, alice);
        const states = await Promise.all(
          Array.from({ length: 5 }, () => call(() => append(stores, alice, lease, 0, ['A', 'B']))),
        );
        for (const state of states) expect(state).toMatchObject({ held: true, storedEvents: 2 });
        expect(await eventsOf(stores, alice, run.id)).toStrictEqual(['1 1 RUN_STARTED', '2 1 A', '3 1 B']);
      }));

    it('should leave no gap: what was not stored has to be sent again', () =>
      onBench(async ({ stores, pass }) => {
        const { lease, run } = await claimNew(stores, alice);
        await append(stores, alice, lease, 0, ['A']);
        await pass(20);
        const events = [{ type: 'C', data: {} }];
        const outcome = await stores.queue.appendEvents(alice, { lease, offset: 2, events });
        expect(codesOf(outcome)).toStrictEqual(['CONFLICT offset']);
        // The lease is renewed, and says what is stored.
        expect(outcome.lease).toStrictEqual({
          lease,
          held: true,
          leaseSeconds: 30,
          cancel: null,
          storedEvents: 1,
        });
        expect(await eventsOf(stores, alice, run.id)).toStrictEqual(['1 1 RUN_STARTED', '2 1 A']);
        await pass(20);
        expect(await append(stores, alice, lease, 1, ['B', 'C'])).toMatchObject({
          held: true,
          storedEvents: 3,
        });
      }));

    it('should be appended whole or not at all, in a call that is refused', () =>
      onBench(async ({ stores, appended }) => {
        const { lease, run } = await claimNew(stores, alice);
        appended.length = 0;
        const good = { type: 'A', data: {} };
        const large = { type: 'A', data: sized(KIB_64) };
        const refused: readonly (readonly [
          readonly string[],
          number,
          readonly { type: string; data: JsonObject }[],
        ])[] = [
          [['INVALID offset'], -1, [good]],
          [['INVALID offset'], 0.5, [good]],
          [['INVALID events.1.type'], 0, [good, { type: '', data: {} }]],
          [['INVALID events.1.type'], 0, [good, { type: 'x'.repeat(65), data: {} }]],
          [['INVALID events.0.type'], 0, [{ type: 'a\0', data: {} }]],
          [['INVALID events.0.type'], 0, [{ type: '\ud800', data: {} }]],
          [['INVALID events.2.data'], 0, [good, good, { type: 'A', data: sized(KIB_64 + 1) }]],
          [['INVALID events.0.data', 'INVALID events.1.data'], 0, [nested(33), nested(40)].map(eventOf)],
          [['INVALID events'], 0, [...Array.from({ length: 8 }, () => large), { type: 'A', data: sized(8) }]],
          ...UNSTORABLE.map(([, data]) => [['INVALID events.0.data'], 0, [{ type: 'A', data }]] as const),
        ];
        for (const [refusals, offset, events] of refused) {
          const outcome = await stores.queue.appendEvents(alice, { lease, offset, events });
          expect(codesOf(outcome)).toStrictEqual(refusals);
        }
        expect(await eventsOf(stores, alice, run.id)).toStrictEqual(['1 1 RUN_STARTED']);
        expect(appended).toStrictEqual([]);
        const most = { lease, offset: 0, events: Array.from({ length: 8 }, () => large) };
        expect(await stores.queue.appendEvents(alice, most)).toMatchObject({
          lease: { storedEvents: 8 },
          refusals: [],
        });
        const many = { lease, offset: 8, events: Array.from({ length: 100 }, () => good) };
        expect(await stores.queue.appendEvents(alice, many)).toMatchObject({ lease: { storedEvents: 108 } });
        const deep = { lease, offset: 108, events: [nested(32)].map(eventOf) };
        expect(await stores.queue.appendEvents(alice, deep)).toMatchObject({ lease: { storedEvents: 109 } });
      }));

    it('should be 20,000 of workers at most, over all claims, and the run goes on without more', () =>
      onBench(async ({ stores }) => {
        const { lease, run } = await claimNew(stores, alice);
        const hundred = Array.from({ length: 100 }, () => ({ type: 'A', data: {} }));
        for (let offset = 0; offset < 10_000; offset += 100) {
          await stores.queue.appendEvents(alice, { lease, offset, events: hundred });
        }
        await stores.queue.release(alice, [lease]);
        const second = await claimOne(stores, alice);
        for (let offset = 0; offset < 9_900; offset += 100) {
          await stores.queue.appendEvents(alice, { lease: second.lease, offset, events: hundred });
        }
        const one = hundred.slice(0, 1);
        await stores.queue.appendEvents(alice, { lease: second.lease, offset: 9_900, events: one });
        const over = await stores.queue.appendEvents(alice, {
          lease: second.lease,
          offset: 9_901,
          events: hundred,
        });
        expect(codesOf(over)).toStrictEqual(['INVALID events']);
        expect(over.lease).toMatchObject({ held: true, leaseSeconds: 30, storedEvents: 9_901 });
        const rest = { lease: second.lease, offset: 9_901, events: hundred.slice(1) };
        expect(await stores.queue.appendEvents(alice, rest)).toMatchObject({
          lease: { storedEvents: 10_000 },
        });
        const more = { lease: second.lease, offset: 10_000, events: one };
        expect(codesOf(await stores.queue.appendEvents(alice, more))).toStrictEqual(['INVALID events']);
        // What is stored already can still be sent again.
        expect(await append(stores, alice, second.lease, 9_999, ['A'])).toMatchObject({
          storedEvents: 10_000,
        });
        expect(await heartbeat(stores, alice, second.lease)).toMatchObject({ held: true });
        expect(await saveCheckpoint(stores, alice, second.lease, {})).toMatchObject({ held: true });
        expect(await finish(stores, alice, second.lease)).toMatchObject({ accepted: true });
        const page = await stores.runs.events(alice, run.id, { ...ALL, after: 20_001 });
        expect(page?.events.map(({ seq, type }) => `${seq} ${type}`)).toStrictEqual([
          '20002 A',
          '20003 RUN_FINISHED',
        ]);
      }));

    it('should be 16 MiB of workers at most, and the run goes on without more', () =>
      onBench(async ({ stores }) => {
        const { lease, run } = await claimNew(stores, alice);
        const large = eventOf(sized(KIB_64 - 1));
        const events = Array.from({ length: 8 }, () => large);
        for (let offset = 0; offset < 256; offset += 8) {
          expect(codesOf(await stores.queue.appendEvents(alice, { lease, offset, events }))).toStrictEqual(
            [],
          );
        }
        const more = { lease, offset: 256, events: [{ type: 'A', data: {} }] };
        expect(codesOf(await stores.queue.appendEvents(alice, more))).toStrictEqual(['INVALID events']);
        expect(await finish(stores, alice, lease)).toMatchObject({ accepted: true });
        expect(await eventsOf(stores, alice, run.id)).toHaveLength(258);
      }));

    it('should not be stored with a lease that is lost, however good they are', () =>
      onBench(async ({ stores, appended }) => {
        const { lease, run } = await claimNew(stores, alice);
        await finish(stores, alice, lease);
        appended.length = 0;
        const events = [{ type: 'A', data: {} }];
        for (const offset of [0, 5]) {
          expect(await stores.queue.appendEvents(alice, { lease, offset, events })).toStrictEqual({
            lease: lost(lease),
            refusals: [],
          });
        }
        expect(await eventsOf(stores, alice, run.id)).toHaveLength(2);
        expect(appended).toStrictEqual([]);
      }));

    it('should be read in parts', () =>
      onBench(async ({ stores }) => {
        const { lease, run } = await claimNew(stores, alice);
        const types = Array.from({ length: 50 }, (_, index) => `E${index + 2}`);
        await append(stores, alice, lease, 0, types);
        const read = async (range: Partial<typeof ALL>): Promise<readonly number[]> => {
          const page = existing(await stores.runs.events(alice, run.id, { ...ALL, ...range }));
          expect(page.missedUpTo).toBeNull();
          return page.events.map(({ seq }) => seq);
        };
        expect(await read({ limit: 3 })).toStrictEqual([1, 2, 3]);
        expect(await read({ after: 3, limit: 2 })).toStrictEqual([4, 5]);
        expect(await read({ after: 49 })).toStrictEqual([50, 51]);
        expect(await read({ after: 51 })).toStrictEqual([]);
        expect(await read({ after: 1_000_000 })).toStrictEqual([]);
        expect(await read({ after: Number.MAX_SAFE_INTEGER - 1 })).toStrictEqual([]);
        expect(await read({ limit: 0 })).toStrictEqual([]);
        // One at least, so that a reader gets on.
        expect(await read({ maxBytes: 1 })).toStrictEqual([1]);
        const some = await read({ maxBytes: 1_000 });
        expect(some).toStrictEqual(Array.from(some, (_, index) => index + 1));
        expect(some.length).toBeGreaterThan(1);
        expect(some.length).toBeLessThan(51);
        const all: number[] = [];
        for (
          let part = await read({ limit: 7 });
          part.length > 0;
          part = await read({ after: all.length, limit: 7 })
        ) {
          all.push(...part);
        }
        expect(all).toStrictEqual(Array.from({ length: 51 }, (_, index) => index + 1));
      }));

    it("should be nobody else's, and go with their run", () =>
      onBench(async ({ stores }) => {
        const { lease, run } = await claimNew(stores, alice);
        const { run: other } = await claimNew(stores, alice);
        await append(stores, alice, lease, 0, ['A']);
        expect(await stores.runs.events(bob, run.id, ALL)).toBeNull();
        for (const id of ['', 'x', run.threadId, '\0'])
          expect(await stores.runs.events(alice, id, ALL)).toBeNull();
        await finish(stores, alice, lease);
        await stores.runs.delete(alice, run.id);
        expect(await stores.runs.events(alice, run.id, ALL)).toBeNull();
        expect(await eventsOf(stores, alice, other.id)).toStrictEqual(['1 1 RUN_STARTED']);
      }));

    it('should be kept for 24 hours after the end of their run, and what is missing is said', () =>
      onBench(async ({ stores, pass, published }) => {
        const active = await claimNew(stores, alice, {}, { leaseSeconds: 300 });
        const { lease, run } = await claimNew(stores, alice);
        await append(stores, alice, lease, 0, ['A', 'B']);
        await finish(stores, alice, lease);
        const ended = await stores.runs.get(alice, run.id);
        await pass((24 * HOUR) / 1_000 - 0.001);
        expect(await eventsOf(stores, alice, run.id)).toHaveLength(4);
        published.length = 0;
        await pass(0.001);
        for (const after of [0, 3]) {
          expect(await stores.runs.events(alice, run.id, { ...ALL, after })).toStrictEqual({
            run: ended,
            events: [],
            lastSeq: 4,
            missedUpTo: 4,
          });
        }
        expect(await stores.runs.events(alice, run.id, { ...ALL, after: 4 })).toMatchObject({
          missedUpTo: null,
        });
        expect(published).toStrictEqual([]);
        expect(await stores.runs.get(alice, run.id)).toStrictEqual(ended);
        expect((await eventsOf(stores, alice, active.run.id))[0]).toBe('1 1 RUN_STARTED');
        // The end is still known, for a worker that sends it again.
        expect(await finish(stores, alice, lease)).toStrictEqual({ accepted: true, status: 'SUCCESS' });
      }));

    it('should be kept however long their run waits or goes on', () =>
      onBench(async ({ stores, pass }) => {
        const { lease, run } = await claimNew(stores, alice);
        await finish(stores, alice, lease, {
          status: 'ERROR',
          error,
          retry: true,
          retryAfterSeconds: 1_000_000,
        });
        await pass(1_000_000);
        const [second] = await claim(stores, alice);
        expect(second?.run.id).toBe(run.id);
        expect(await eventsOf(stores, alice, run.id)).toStrictEqual(['1 1 RUN_STARTED', '2 2 RUN_STARTED']);
      }));
  });
}

function eventOf(data: JsonObject): Pick<RunEvent, 'type'> & { readonly data: JsonObject } {
  return { type: 'A', data };
}

function codesOf({ refusals }: AppendOutcome): readonly string[] {
  return refusals.map(({ code, key }) => `${code} ${key}`).toSorted();
}
