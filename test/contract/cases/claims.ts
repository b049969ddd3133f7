import { describe, expect, it } from 'vitest';
import { asOwner as owner, type Owner } from '../../../src/store/owner.ts';
import { badInputOf, call, type OnBench, refusalsOf, START, valueOf } from '../../support/bench.ts';
import { existing, makeAssistant, makeThread, moveRun } from '../../support/records.ts';
import { idsOf } from '../../support/walk.ts';
import { CLAIM, claim, claimIds, claimNew, claimOne, enqueue, finish } from '../../support/worker.ts';

const [alice, bob, carol] = [owner('alice'), owner('bob'), owner('carol')];
/** Whose token lets it claim runs of every owner. */
const operator = owner('operator');

/** Which runs workers are given, and in which order. */
export function testClaims(onBench: OnBench): void {
  describe('claims', () => {
    it('should give a run with all that its worker needs', () =>
      onBench(async ({ stores, clock, published }) => {
        const assistant = await makeAssistant(stores, alice, { config: { model: 'm' }, context: { c: 1 } });
        const { id: threadId } = await makeThread(stores, alice);
        const before = await enqueue(stores, alice, { threadId, assistantId: assistant.id, input: { n: 0 } });
        await finish(stores, alice, (await claimOne(stores, alice)).lease, { output: { state: 1 } });
        const run = await enqueue(stores, alice, {
          threadId,
          assistantId: assistant.id,
          input: { n: 1 },
          timeoutSeconds: 90,
          metadata: { label: 'x' },
        });
        expect(await stores.threads.get(alice, threadId)).toMatchObject({ valuesRunId: before.id });
        clock.now += 2_000;
        published.length = 0;
        const given = await claimOne(stores, alice, { name: 'w1', leaseSeconds: 45 });
        const claimed = await stores.runs.get(alice, run.id);
        expect(claimed).toStrictEqual({
          ...run,
          status: 'RUNNING',
          attempt: 1,
          assistantVersion: 1,
          worker: 'w1',
          availableAt: null,
          startedAt: new Date(START + 2_000).toISOString(),
          updatedAt: new Date(START + 2_000).toISOString(),
        });
        expect(given).toStrictEqual({
          lease: expect.any(String),
          leaseSeconds: 45,
          owner: alice,
          run: claimed,
          assistant,
          input: '{"n":1}',
          values: '{"state":1}',
          checkpoint: null,
          secondsLeft: 90,
        });
        expect(published.map(({ change }) => change)).toStrictEqual([
          { resource: 'run', before: run, after: claimed },
        ]);
      }));

    it('should give null for what there is not', () =>
      onBench(async ({ stores }) => {
        expect(await claimNew(stores, alice)).toMatchObject({
          input: null,
          values: null,
          checkpoint: null,
          secondsLeft: null,
        });
      }));

    it('should give each run to one worker, also when many ask at once', () =>
      onBench(async ({ stores }) => {
        const { id: assistantId } = await makeAssistant(stores, alice);
        const made: string[] = [];
        for (let i = 0; i < 12; i++) made.push((await enqueue(stores, alice, { assistantId })).id);
        const asked = Array.from({ length: 8 }, (_, index) =>
          call(() => stores.queue.claim(alice, { ...CLAIM, name: `w${index}`, max: 3 })),
        );
        const given = (await Promise.all(asked)).flatMap(valueOf);
        // PostgreSQL may pass over what another worker is about to take.
        const rest = await claim(stores, alice, { max: 50 });
        expect([...given, ...rest].map(({ run }) => run.id).toSorted()).toStrictEqual(made.toSorted());
        expect(new Set(given.map(({ lease }) => lease)).size).toBe(given.length);
        for (const { run } of given) expect(await stores.runs.get(alice, run.id)).toStrictEqual(run);
        expect(await claim(stores, alice)).toStrictEqual([]);
      }));

    it("should give a tenant's worker the tenant's own runs alone", () =>
      onBench(async ({ stores }) => {
        const own = await enqueue(stores, alice);
        const theirs = await enqueue(stores, bob);
        expect(await claimIds(stores, alice)).toStrictEqual([own.id]);
        expect(await claimIds(stores, alice)).toStrictEqual([]);
        expect(await stores.runs.get(bob, theirs.id)).toStrictEqual(theirs);
        expect(await claimIds(stores, bob)).toStrictEqual([theirs.id]);
      }));

    it("should give a worker of all owners everybody's runs", () =>
      onBench(async ({ stores }) => {
        const runs = [
          await enqueue(stores, alice),
          await enqueue(stores, bob),
          await enqueue(stores, operator),
        ];
        const given = await claim(stores, operator, { allOwners: true, max: 50 });
        expect(given.map(({ run }) => run.id).toSorted()).toStrictEqual(idsOf(runs).toSorted());
        expect(given.map((one) => one.owner).toSorted()).toStrictEqual([alice, bob, operator]);
        for (const one of given) {
          expect(await stores.runs.get(one.owner, one.run.id)).toStrictEqual(one.run);
          expect(one.assistant).toStrictEqual(await stores.assistants.get(one.owner, one.run.assistantId));
        }
      }));

    it('should give runs of the graphs that were asked for', () =>
      onBench(async ({ stores }) => {
        const make = async (graphId: string): Promise<string> => {
          const { id: assistantId } = await makeAssistant(stores, alice, { graphId });
          return (await enqueue(stores, alice, { assistantId })).id;
        };
        const [a, b, c] = [await make('a'), await make('b'), await make('__proto__')];
        expect(await claimIds(stores, alice, { graphIds: [] })).toStrictEqual([]);
        expect(await claimIds(stores, alice, { graphIds: ['A', 'a ', '', '%', 'toString'] })).toStrictEqual(
          [],
        );
        expect(await claimIds(stores, alice, { graphIds: ['b', 'other', 'b'] })).toStrictEqual([b]);
        expect(await claimIds(stores, alice, { graphIds: ['__proto__', 'a'] })).toStrictEqual([a, c]);
      }));

    it('should give as many as were asked for at most', () =>
      onBench(async ({ stores }) => {
        const made: string[] = [];
        for (let i = 0; i < 5; i++) made.push((await enqueue(stores, alice)).id);
        expect(await claimIds(stores, alice, { max: 2 })).toStrictEqual(made.slice(0, 2));
        expect(await claimIds(stores, alice, { max: 50 })).toStrictEqual(made.slice(2));
      }));

    it('should give what an owner created first, of all threads and graphs', () =>
      onBench(async ({ stores, clock, pass }) => {
        const graphs = ['b', 'a', 'b', 'c', 'a'];
        const made: string[] = [];
        for (const graphId of graphs) {
          clock.now += 1_000;
          const { id: assistantId } = await makeAssistant(stores, alice, { graphId });
          // The delay of the first ends last, and all of them when they are asked for.
          const delaySeconds = 20 - made.length;
          made.push((await enqueue(stores, alice, { assistantId, delaySeconds })).id);
        }
        await pass(30);
        const graphIds = ['a', 'b', 'c'];
        const given: string[] = [];
        for (let i = 0; i < 3; i++) given.push(...(await claimIds(stores, alice, { graphIds, max: 1 })));
        given.push(...(await claimIds(stores, alice, { graphIds })));
        expect(given).toStrictEqual(made);
      }));

    it('should let owners take turns', () =>
      onBench(async ({ stores, clock }) => {
        const waiting = async (one: Owner, count: number): Promise<void> => {
          const { id: assistantId } = await makeAssistant(stores, one);
          for (let i = 0; i < count; i++) {
            clock.now++;
            await enqueue(stores, one, { assistantId });
          }
        };
        await waiting(alice, 8);
        await waiting(bob, 1);
        await waiting(carol, 3);
        const turns: string[] = [];
        for (let i = 0; i < 3; i++) {
          const [next] = await claim(stores, operator, { allOwners: true });
          turns.push(existing(next).owner);
        }
        expect(turns.toSorted()).toStrictEqual([alice, bob, carol]);
        const both = await claim(stores, operator, { allOwners: true, max: 2 });
        expect(both.map((one) => one.owner).toSorted()).toStrictEqual([alice, carol]);
        await waiting(bob, 1);
        const soon = await claim(stores, operator, { allOwners: true, max: 3 });
        expect(soon.map((one) => one.owner)).toContain(bob);
        const rest = await claim(stores, operator, { allOwners: true, max: 50 });
        expect([...turns, ...both.map((one) => one.owner), ...soon.map((one) => one.owner)]).toHaveLength(8);
        expect(rest).toHaveLength(5);
      }));

    it("should not let one owner's runs of one graph delay another's of another graph", () =>
      onBench(async ({ stores }) => {
        const many = await makeAssistant(stores, alice, { graphId: 'a' });
        const single = await makeAssistant(stores, bob, { graphId: 'b' });
        for (let i = 0; i < 5; i++) await enqueue(stores, alice, { assistantId: many.id });
        const run = await enqueue(stores, bob, { assistantId: single.id });
        const request = { allOwners: true, graphIds: ['a', 'b'] };
        const given = [
          ...(await claimIds(stores, operator, { ...request, max: 1 })),
          ...(await claimIds(stores, operator, { ...request, max: 1 })),
        ];
        expect(given).toContain(run.id);
      }));

    it("should give a thread's runs one at a time, in the order of their creation", () =>
      onBench(async ({ stores, clock }) => {
        const { id: threadId } = await makeThread(stores, alice);
        const { id: assistantId } = await makeAssistant(stores, alice);
        const made: string[] = [];
        for (let i = 0; i < 4; i++) {
          if (i === 2) clock.now += 1;
          made.push((await enqueue(stores, alice, { threadId, assistantId })).id);
        }
        const given: string[] = [];
        for (let i = 0; i < 4; i++) {
          const claims = await claim(stores, alice, { max: 50 });
          expect(claims).toHaveLength(1);
          expect(await claim(stores, alice, { max: 50 })).toStrictEqual([]);
          given.push(existing(claims[0]).run.id);
          await finish(stores, alice, existing(claims[0]).lease);
        }
        expect(given).toStrictEqual(made);
      }));

    it("should give that run of a thread first which may begin first, and hold nobody up by another's delay", () =>
      onBench(async ({ stores, pass, clock }) => {
        const { id: threadId } = await makeThread(stores, alice);
        const parents = { threadId, assistantId: (await makeAssistant(stores, alice)).id };
        const third = await enqueue(stores, alice, { ...parents, delaySeconds: 20 });
        clock.now += 1;
        const second = await enqueue(stores, alice, { ...parents, delaySeconds: 10 });
        clock.now += 1;
        const first = await enqueue(stores, alice, parents);
        const other = await enqueue(stores, alice);
        const now = await claim(stores, alice, { max: 50 });
        expect(now.map(({ run }) => run.id)).toStrictEqual([first.id, other.id]);
        await finish(stores, alice, existing(now[0]).lease);
        expect(await claimIds(stores, alice)).toStrictEqual([]);
        await pass(30);
        const next = await claimOne(stores, alice);
        expect(next.run.id).toBe(second.id);
        await finish(stores, alice, next.lease);
        expect(await claimIds(stores, alice)).toStrictEqual([third.id]);
      }));

    it('should not give a run before its delay is over', () =>
      onBench(async ({ stores, pass, clock, ready }) => {
        const run = await enqueue(stores, alice, { delaySeconds: 60 });
        expect(run).toMatchObject({ status: 'PENDING', availableAt: new Date(START + 60_000).toISOString() });
        expect(await stores.threads.get(alice, run.threadId)).toMatchObject({ status: 'BUSY' });
        clock.now += 59_998;
        await pass(0.001);
        expect(await claim(stores, alice)).toStrictEqual([]);
        expect(ready).toStrictEqual([]);
        await pass(0.001);
        expect(ready).toStrictEqual([{ owner: alice, graphId: 'graph' }]);
        expect(await claimIds(stores, alice)).toStrictEqual([run.id]);
      }));

    it('should give each run once its time has come, though the clock went back meanwhile', () =>
      onBench(async ({ stores, pass, clock }) => {
        const first = await claimNew(stores, alice);
        const next = await enqueue(stores, alice, { threadId: first.run.threadId });
        const other = await claimNew(stores, alice);
        clock.now -= 10_000;
        await finish(stores, alice, first.lease);
        await finish(stores, alice, other.lease, {
          status: 'ERROR',
          error: { code: 'E', message: '' },
          retry: true,
          retryAfterSeconds: 5,
        });
        expect(await claim(stores, alice)).toStrictEqual([]);
        await pass(5);
        expect(await claimIds(stores, alice)).toStrictEqual([other.run.id]);
        await pass(5);
        expect(await claimIds(stores, alice)).toStrictEqual([next.id]);
      }));

    it('should give no run of a thread while one of it is RUNNING by hand', () =>
      onBench(async ({ stores }) => {
        const { id: threadId } = await makeThread(stores, alice);
        const parents = { threadId, assistantId: (await makeAssistant(stores, alice)).id };
        const [first, second] = [
          await enqueue(stores, alice, parents),
          await enqueue(stores, alice, parents),
        ];
        const moved = await moveRun(stores, alice, second.id, 'RUNNING');
        expect(moved).toMatchObject({
          availableAt: null,
          worker: null,
          startedAt: new Date(START).toISOString(),
        });
        expect(await claim(stores, alice)).toStrictEqual([]);
        await moveRun(stores, alice, second.id, 'SUCCESS');
        expect(await claimIds(stores, alice)).toStrictEqual([first.id]);
      }));

    it('should give no run that has ended, or went with its thread', () =>
      onBench(async ({ stores }) => {
        const [ended, cancelled, gone] = [
          await enqueue(stores, alice),
          await enqueue(stores, alice),
          await enqueue(stores, alice),
        ];
        await moveRun(stores, alice, ended.id, 'SUCCESS');
        await stores.runs.cancel(alice, cancelled.id, 'INTERRUPT');
        await stores.threads.delete(alice, gone.threadId);
        expect(await claim(stores, alice)).toStrictEqual([]);
      }));

    it('should follow an assistant to another graph, and show its latest version', () =>
      onBench(async ({ stores, ready }) => {
        const { id: assistantId } = await makeAssistant(stores, alice);
        const { id: threadId } = await makeThread(stores, alice);
        const first = await enqueue(stores, alice, { assistantId });
        const held = await enqueue(stores, alice, { assistantId, threadId });
        const later = await enqueue(stores, alice, { assistantId, threadId });
        const given = await claim(stores, alice, { max: 2 });
        expect(given.map(({ run }) => run.id)).toStrictEqual([first.id, held.id]);
        const waiting = await enqueue(stores, alice, { assistantId });
        ready.length = 0;
        await stores.assistants.update(alice, assistantId, { graphId: 'new', config: { a: 1 } });
        expect(ready).toStrictEqual([{ owner: alice, graphId: 'new' }]);
        expect(await claim(stores, alice, { max: 50 })).toStrictEqual([]);
        const moved = await claimOne(stores, alice, { graphIds: ['new'] });
        expect(moved).toMatchObject({
          run: { id: waiting.id, assistantVersion: 2 },
          assistant: { id: assistantId, version: 2, graphId: 'new', config: { a: 1 } },
        });
        await finish(stores, alice, existing(given[1]).lease);
        expect(await claim(stores, alice, { max: 50 })).toStrictEqual([]);
        expect(await claimIds(stores, alice, { graphIds: ['graph', 'new'] })).toStrictEqual([later.id]);
      }));

    it('should tell when a run can be claimed, and only then', () =>
      onBench(async ({ stores, ready }) => {
        const assistant = await makeAssistant(stores, alice, { graphId: 'a' });
        const { id: threadId } = await makeThread(stores, alice);
        const first = await enqueue(stores, alice, { threadId, assistantId: assistant.id });
        expect(ready).toStrictEqual([{ owner: alice, graphId: 'a' }]);
        await enqueue(stores, alice, { threadId, assistantId: assistant.id });
        const { lease } = await claimOne(stores, alice, { graphIds: ['a'] });
        await stores.runs.update(alice, first.id, { metadata: { a: 1 } });
        expect(ready).toHaveLength(1);
        await finish(stores, alice, lease);
        expect(ready).toHaveLength(2);
        await enqueue(stores, bob);
        expect(ready.slice(2)).toStrictEqual([{ owner: bob, graphId: 'graph' }]);
      }));

    it('should give no more than fits into an answer, and leave the others as they are', () =>
      onBench(async ({ stores }) => {
        const ids: string[] = [];
        // Three bytes a character.
        const input = { text: '\u2013'.repeat(170_000) };
        for (let i = 0; i < 12; i++)
          ids.push((await enqueue(stores, i % 2 === 0 ? alice : bob, { input })).id);
        const [first, second, third] = [
          await claim(stores, operator, { allOwners: true, max: 50 }),
          await claim(stores, operator, { allOwners: true, max: 50 }),
          await claim(stores, operator, { allOwners: true, max: 50 }),
        ];
        // As many as have 4 MiB.
        expect([first.length, second.length, third.length]).toStrictEqual([9, 3, 0]);
        expect([...first, ...second].map(({ run }) => run.id).toSorted()).toStrictEqual(ids.toSorted());
        for (const { run, lease } of [...first, ...second]) {
          expect(run.attempt).toBe(1);
          expect(await finish(stores, operator, lease)).toStrictEqual({ accepted: true, status: 'SUCCESS' });
        }
      }));

    it('should refuse what is out of range, and give nothing', () =>
      onBench(async ({ stores }) => {
        const run = await enqueue(stores, alice);
        const cases = [
          ['INVALID worker', { name: '' }],
          ['INVALID worker', { name: ' \u0085' }],
          ['INVALID worker', { name: '😀'.repeat(257) }],
          ['INVALID worker', { name: 'a\0' }],
          ['INVALID worker', { name: '\ud800' }],
          ['INVALID max', { max: 0 }],
          ['INVALID max', { max: 51 }],
          ['INVALID max', { max: 1.5 }],
          ['INVALID leaseSeconds', { leaseSeconds: 4 }],
          ['INVALID leaseSeconds', { leaseSeconds: 301 }],
          ['INVALID waitSeconds', { waitSeconds: -1 }],
          ['INVALID waitSeconds', { waitSeconds: 11 }],
        ] as const;
        for (const [refusal, bad] of cases) {
          expect(refusalsOf(await stores.queue.claim(alice, { ...CLAIM, ...bad }))).toStrictEqual([refusal]);
        }
        const graphIds = Array.from({ length: 101 }, (_, index) => `g${index}`);
        expect(await badInputOf(() => stores.queue.claim(alice, { ...CLAIM, graphIds }))).toContain('100');
        expect(await stores.runs.get(alice, run.id)).toStrictEqual(run);
        const widest = {
          name: '😀'.repeat(256),
          max: 50,
          leaseSeconds: 300,
          graphIds: [...graphIds.slice(2), 'graph'],
        };
        expect(await claim(stores, alice, widest)).toMatchObject([
          { run: { id: run.id }, leaseSeconds: 300 },
        ]);
      }));
  });
}
