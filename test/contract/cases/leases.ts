import { describe, expect, it } from 'vitest';
import { asOwner as owner, type Owner } from '../../../src/store/owner.ts';
import type { Stores } from '../../../src/store/stores.ts';
import { badInputOf, type OnBench, refusalsOf, START, valueOf } from '../../support/bench.ts';
import { existing } from '../../support/records.ts';
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
} from '../../support/worker.ts';

const [alice, bob, operator] = [owner('alice'), owner('bob'), owner('operator')];

/** Calls that show a lease, and what they say of it. */
const CALLS: readonly (readonly [
  string,
  (stores: Stores, worker: Owner, lease: string) => Promise<unknown>,
])[] = [
  ['a heartbeat', (stores, worker, lease) => heartbeat(stores, worker, lease)],
  ['an append', (stores, worker, lease) => append(stores, worker, lease, 0, ['A'])],
  ['an empty append', (stores, worker, lease) => append(stores, worker, lease, 0, [])],
  ['a checkpoint', (stores, worker, lease) => saveCheckpoint(stores, worker, lease, { late: true })],
];

/** How long a run is its worker's, and what becomes of it then. */
export function testLeases(onBench: OnBench): void {
  describe('leases', () => {
    it.each(CALLS)('should be renewed by %s', (_, show) =>
      onBench(async ({ stores, pass }) => {
        const { lease, run } = await claimNew(stores, alice);
        for (let i = 0; i < 4; i++) {
          await pass(29);
          expect(await show(stores, alice, lease)).toMatchObject({
            lease,
            held: true,
            leaseSeconds: 30,
            cancel: null,
          });
          expect(await stores.runs.get(alice, run.id)).toMatchObject({ worker: 'worker', availableAt: null });
        }
        await pass(30);
        expect(await stores.runs.get(alice, run.id)).toMatchObject({ worker: null });
      }),
    );

    it('should last as long as the latest claim or heartbeat says', () =>
      onBench(async ({ stores, pass }) => {
        const { lease, leaseSeconds, run } = await claimNew(stores, alice, {}, { leaseSeconds: 10 });
        expect(leaseSeconds).toBe(10);
        const workerOf = async (): Promise<unknown> => (await stores.runs.get(alice, run.id))?.worker;
        await pass(9);
        expect(await append(stores, alice, lease, 0, [])).toMatchObject({ leaseSeconds: 10 });
        await pass(9);
        expect(await heartbeat(stores, alice, lease, { leaseSeconds: 300 })).toMatchObject({
          leaseSeconds: 300,
        });
        await pass(299);
        expect(await append(stores, alice, lease, 0, [])).toMatchObject({ leaseSeconds: 300 });
        await pass(299);
        expect(await workerOf()).toBe('worker');
        await heartbeat(stores, alice, lease, { leaseSeconds: 5 });
        await pass(4);
        expect(await workerOf()).toBe('worker');
        await pass(1);
        expect(await workerOf()).toBeNull();
      }));

    it('should not end before a heartbeat that waits has answered, whatever is called meanwhile', () =>
      onBench(async ({ stores, pass }) => {
        const { lease, run } = await claimNew(stores, alice);
        const waiting = await heartbeat(stores, alice, lease, { leaseSeconds: 5, waitSeconds: 10 });
        expect(waiting).toMatchObject({ held: true });
        await pass(1);
        await append(stores, alice, lease, 0, ['A']);
        await saveCheckpoint(stores, alice, lease, {});
        await pass(13);
        expect(await stores.runs.get(alice, run.id)).toMatchObject({ worker: 'worker' });
        await pass(1);
        expect(await stores.runs.get(alice, run.id)).toMatchObject({ worker: null });
      }));

    it('should give their run back when they end, for another attempt a second later', () =>
      onBench(async ({ stores, pass, published }) => {
        const { run } = await claimNew(stores, alice);
        published.length = 0;
        await pass(30);
        const after = await stores.runs.get(alice, run.id);
        expect(after).toStrictEqual({
          ...run,
          worker: null,
          availableAt: new Date(START + 31_000).toISOString(),
          updatedAt: new Date(START + 30_000).toISOString(),
        });
        expect(published.map(({ change }) => change)).toStrictEqual([
          { resource: 'run', before: run, after },
        ]);
        expect(await stores.threads.get(alice, run.threadId)).toMatchObject({ status: 'BUSY' });
        expect(await claim(stores, alice)).toStrictEqual([]);
        await pass(1);
        expect(await claimOne(stores, alice, { name: 'other' })).toMatchObject({
          run: { id: run.id, attempt: 2, worker: 'other', startedAt: run.startedAt },
        });
      }));

    it.each(CALLS)(
      'should be good again by %s after they ended, until the run is given to another',
      (_, show) =>
        onBench(async ({ stores, pass }) => {
          const { lease, run } = await claimNew(stores, alice);
          await pass(40);
          expect(await show(stores, alice, lease)).toMatchObject({ held: true, leaseSeconds: 30 });
          expect(await stores.runs.get(alice, run.id)).toMatchObject({
            status: 'RUNNING',
            attempt: 1,
            worker: 'worker',
            availableAt: null,
          });
          expect(await claim(stores, alice)).toStrictEqual([]);
          await pass(29);
          expect(await stores.runs.get(alice, run.id)).toMatchObject({ worker: 'worker' });
          expect(await finish(stores, alice, lease)).toStrictEqual({ accepted: true, status: 'SUCCESS' });
        }),
    );

    it('should be good for an end after they ended, until the run is given to another', () =>
      onBench(async ({ stores, pass }) => {
        const { lease, run } = await claimNew(stores, alice);
        await pass(40);
        expect(await finish(stores, alice, lease, { output: { a: 1 } })).toStrictEqual({
          accepted: true,
          status: 'SUCCESS',
        });
        expect(await stores.runs.get(alice, run.id)).toMatchObject({ status: 'SUCCESS', availableAt: null });
        expect(await claim(stores, alice)).toStrictEqual([]);
      }));

    const ENDS: readonly (readonly [
      string,
      (stores: Stores, lease: string, id: string) => Promise<unknown>,
    ])[] = [
      ['was given to another', (stores) => claimOne(stores, alice)],
      ['was moved', async ({ runs }, _, id) => valueOf(await runs.update(alice, id, { status: 'ERROR' }))],
      ['was cancelled', async ({ runs }, _, id) => runs.cancel(alice, id, 'INTERRUPT')],
      ['was released', async ({ queue }, lease) => queue.release(alice, [lease])],
      ['was finished', (stores, lease) => finish(stores, alice, lease, { output: { end: true } })],
      [
        'was given back',
        (stores, lease) =>
          finish(stores, alice, lease, { status: 'ERROR', error: { code: 'E', message: '' }, retry: true }),
      ],
    ];

    it.each(ENDS)('should be lost once their run %s, and store nothing more', (_, end) =>
      onBench(async ({ stores, pass, published, appended }) => {
        const { lease, run } = await claimNew(stores, alice);
        await saveCheckpoint(stores, alice, lease, { first: 1 });
        await pass(30);
        await pass(1);
        await end(stores, lease, run.id);
        const before = {
          run: await stores.runs.get(alice, run.id),
          events: await eventsOf(stores, alice, run.id),
          output: await payloadOf(stores, alice, run.id, 'output'),
        };
        published.length = 0;
        appended.length = 0;
        for (const [, show] of CALLS) expect(await show(stores, alice, lease)).toStrictEqual(lost(lease));
        expect(await stores.queue.release(alice, [lease])).toStrictEqual([lost(lease)]);
        const late = await finish(stores, alice, lease, { status: 'CANCELLED' });
        expect(late).toStrictEqual({ accepted: false, status: before.run?.status });
        expect({
          run: await stores.runs.get(alice, run.id),
          events: await eventsOf(stores, alice, run.id),
          output: await payloadOf(stores, alice, run.id, 'output'),
        }).toStrictEqual(before);
        expect(await payloadOf(stores, alice, run.id, 'checkpoint')).toStrictEqual({ first: 1 });
        expect(published).toStrictEqual([]);
        expect(appended).toStrictEqual([]);
      }),
    );

    it('should be lost with the thread of their run', () =>
      onBench(async ({ stores, pass }) => {
        const { lease, run } = await claimNew(stores, alice);
        await stores.threads.delete(alice, run.threadId);
        for (const [, show] of CALLS) expect(await show(stores, alice, lease)).toStrictEqual(lost(lease));
        expect(await stores.queue.release(alice, [lease])).toStrictEqual([lost(lease)]);
        expect(await finish(stores, alice, lease)).toStrictEqual({ accepted: false, status: null });
        await pass(60);
        expect(await stores.runs.get(alice, run.id)).toBeNull();
        expect(await stores.runs.events(alice, run.id, { after: 0, limit: 10, maxBytes: 1_000 })).toBeNull();
        expect(await stores.runs.payload(alice, run.id, 'checkpoint')).toBeNull();
        expect(await claim(stores, alice)).toStrictEqual([]);
      }));

    it('should be released at once, with the attempt taken back, and be lost for good', () =>
      onBench(async ({ stores, clock, published }) => {
        const { lease, run } = await claimNew(stores, alice, { maxAttempts: 1 });
        clock.now += 500;
        published.length = 0;
        expect(await stores.queue.release(alice, [lease])).toStrictEqual([lost(lease)]);
        const released = await stores.runs.get(alice, run.id);
        expect(released).toStrictEqual({
          ...run,
          attempt: 0,
          worker: null,
          availableAt: new Date(START + 500).toISOString(),
          updatedAt: new Date(START + 500).toISOString(),
        });
        expect(published.map(({ change }) => change)).toStrictEqual([
          { resource: 'run', before: run, after: released },
        ]);
        const again = await claimOne(stores, alice);
        expect(again.run).toMatchObject({
          id: run.id,
          attempt: 1,
          worker: 'worker',
          startedAt: run.startedAt,
        });
        expect(again.lease).not.toBe(lease);
        for (const [, show] of CALLS) expect(await show(stores, alice, lease)).toStrictEqual(lost(lease));
        expect(await finish(stores, alice, lease)).toStrictEqual({ accepted: false, status: 'RUNNING' });
        expect(await stores.runs.get(alice, run.id)).toStrictEqual(again.run);
        expect(await finish(stores, alice, again.lease)).toStrictEqual({ accepted: true, status: 'SUCCESS' });
        expect(await eventsOf(stores, alice, run.id)).toStrictEqual([
          '1 1 RUN_STARTED',
          '2 1 RUN_STARTED',
          '3 1 RUN_FINISHED',
        ]);
      }));

    it('should be released many times without an end to it', () =>
      onBench(async ({ stores }) => {
        const { id } = await enqueue(stores, alice, { maxAttempts: 1 });
        const leases = new Set<string>();
        for (let i = 0; i < 5; i++) {
          const { lease, run } = await claimOne(stores, alice);
          expect(run).toMatchObject({ id, attempt: 1 });
          leases.add(lease);
          await stores.queue.release(alice, [lease]);
        }
        expect(leases.size).toBe(5);
        expect(await stores.runs.get(alice, id)).toMatchObject({ status: 'RUNNING', attempt: 0 });
      }));

    it('should keep a released run the first of its thread', () =>
      onBench(async ({ stores }) => {
        const { lease, run } = await claimNew(stores, alice);
        await enqueue(stores, alice, { threadId: run.threadId });
        await stores.queue.release(alice, [lease]);
        expect(await claimIds(stores, alice)).toStrictEqual([run.id]);
      }));

    it('should be good for the worker that they were given to alone', () =>
      onBench(async ({ stores }) => {
        await enqueue(stores, alice);
        const { lease, run } = await claimOne(stores, operator, { allOwners: true });
        expect(await heartbeat(stores, operator, lease)).toMatchObject({ held: true });
        const before = await stores.runs.get(alice, run.id);
        for (const other of [alice, bob, owner('operator ')]) {
          for (const [, show] of CALLS) expect(await show(stores, other, lease)).toStrictEqual(lost(lease));
          expect(await stores.queue.release(other, [lease])).toStrictEqual([lost(lease)]);
          expect(await finish(stores, other, lease)).toStrictEqual({ accepted: false, status: null });
        }
        expect(await stores.runs.get(alice, run.id)).toStrictEqual(before);
        expect(await finish(stores, operator, lease)).toStrictEqual({ accepted: true, status: 'SUCCESS' });
        expect(await stores.runs.get(alice, run.id)).toMatchObject({ status: 'SUCCESS' });
      }));

    it('should be lost where they are forged, malformed, or of other stores', () =>
      onBench(async ({ stores }) => {
        const { lease, run } = await claimNew(stores, alice);
        const others: string[] = [];
        await onBench(async (bench) => void others.push((await claimNew(bench.stores, alice)).lease));
        const cut = Array.from({ length: 6 }, (_, index) => lease.slice(0, -1 - index * 7));
        const flipped = Array.from({ length: lease.length }, (_, at) => {
          return `${lease.slice(0, at)}${lease[at] === 'A' ? 'B' : 'A'}${lease.slice(at + 1)}`;
        });
        const odd = ['', ' ', `${lease} `, `${lease}=`, `${lease}A`, lease.toUpperCase(), `${lease}${lease}`];
        const odder = ['null', '{}', '\0', '\ud800', '😀'.repeat(50), 'x'.repeat(100_000), run.id];
        for (const bad of [...others, ...cut, ...flipped, ...odd, ...odder]) {
          expect(await heartbeat(stores, alice, bad)).toStrictEqual(lost(bad));
        }
        for (const bad of [
          ...others,
          ...cut,
          ...odd,
          ...odder,
          existing(flipped[0]),
          existing(flipped.at(-1)),
        ]) {
          for (const [, show] of CALLS) expect(await show(stores, alice, bad)).toStrictEqual(lost(bad));
          expect(await stores.queue.release(alice, [bad])).toStrictEqual([lost(bad)]);
          expect(await finish(stores, alice, bad)).toStrictEqual({ accepted: false, status: null });
        }
        expect(await stores.runs.get(alice, run.id)).toStrictEqual(run);
        expect(await heartbeat(stores, alice, lease)).toMatchObject({ held: true });
      }));

    it('should be answered in the order in which they were shown', () =>
      onBench(async ({ stores }) => {
        const leases: string[] = [];
        for (let i = 0; i < 4; i++) leases.push((await claimNew(stores, alice)).lease);
        await finish(stores, alice, existing(leases[1]));
        const shown = [...leases.toReversed(), 'x', existing(leases[0])];
        const request = { leases: shown, leaseSeconds: 60, waitSeconds: 0 };
        const states = valueOf(await stores.queue.heartbeat(alice, request));
        expect(states.map(({ lease }) => lease)).toStrictEqual(shown);
        expect(states.map(({ held }) => held)).toStrictEqual([true, true, false, true, false, true]);
        expect(states.map(({ leaseSeconds }) => leaseSeconds)).toStrictEqual([60, 60, 0, 60, 0, 60]);
        const released = await stores.queue.release(alice, shown);
        expect(released).toStrictEqual(shown.map(lost));
        expect(await claim(stores, alice, { max: 50 })).toHaveLength(3);
      }));

    it('should be refused for a time that is out of range, or when they are too many', () =>
      onBench(async ({ stores, pass }) => {
        const { lease, run } = await claimNew(stores, alice, {}, { leaseSeconds: 10 });
        const good = { leases: [lease], leaseSeconds: 30, waitSeconds: 0 };
        for (const [refusal, bad] of [
          ['INVALID leaseSeconds', { leaseSeconds: 4 }],
          ['INVALID leaseSeconds', { leaseSeconds: 301 }],
          ['INVALID waitSeconds', { waitSeconds: -1 }],
          ['INVALID waitSeconds', { waitSeconds: 11 }],
        ] as const) {
          expect(refusalsOf(await stores.queue.heartbeat(alice, { ...good, ...bad }))).toStrictEqual([
            refusal,
          ]);
        }
        const leases = Array.from({ length: 101 }, () => lease);
        expect(await badInputOf(() => stores.queue.heartbeat(alice, { ...good, leases }))).toContain('100');
        expect(await badInputOf(() => stores.queue.release(alice, leases))).toContain('100');
        const events = Array.from({ length: 101 }, () => ({ type: 'A', data: {} }));
        expect(
          await badInputOf(() => stores.queue.appendEvents(alice, { lease, offset: 0, events })),
        ).toContain('100');
        expect(valueOf(await stores.queue.heartbeat(alice, { ...good, leases: [] }))).toStrictEqual([]);
        await pass(10);
        expect(await stores.runs.get(alice, run.id)).toMatchObject({ worker: null });
      }));

    it('should leave a run to its worker alone: others cannot move it, but label it', () =>
      onBench(async ({ stores, pass, published }) => {
        const { lease, run } = await claimNew(stores, alice);
        published.length = 0;
        for (const status of [
          'SUCCESS',
          'ERROR',
          'TIMEOUT',
          'INTERRUPTED',
          'CANCELLED',
          'PENDING',
        ] as const) {
          const moved = await stores.runs.update(alice, run.id, { status, metadata: { a: 1 } });
          expect(refusalsOf(moved)).toStrictEqual(['CONFLICT status']);
        }
        expect(await stores.runs.update(alice, run.id, { status: 'RUNNING' })).toStrictEqual({ value: run });
        expect(published).toStrictEqual([]);
        const labelled = await stores.runs.update(alice, run.id, { status: 'RUNNING', metadata: { a: 1 } });
        expect(valueOf(labelled)).toMatchObject({ status: 'RUNNING', worker: 'worker', metadata: { a: 1 } });
        expect(refusalsOf(await stores.runs.delete(alice, run.id))).toStrictEqual(['CONFLICT id']);
        expect(refusalsOf(await stores.assistants.delete(alice, run.assistantId))).toStrictEqual([
          'CONFLICT id',
        ]);
        expect(await heartbeat(stores, alice, lease)).toMatchObject({ held: true });
        await pass(40);
        expect(valueOf(await stores.runs.update(alice, run.id, { status: 'SUCCESS' }))).toMatchObject({
          status: 'SUCCESS',
          metadata: { a: 1 },
        });
      }));
  });
}
