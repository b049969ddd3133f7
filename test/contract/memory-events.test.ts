import { describe, expect, it } from 'vitest';
import { openMemoryStores } from '../../src/store/memory/stores.ts';
import { asOwner as owner } from '../../src/store/owner.ts';
import { withBench } from '../support/bench.ts';
import { HOUR } from '../support/hour.ts';
import { openInMemory } from './open-in-memory.ts';
import { makeAssistant } from '../support/records.ts';
import { append, claimNew, eventsOf, finish } from '../support/worker.ts';

const [alice, bob] = [owner('alice'), owner('bob')];

describe('events in memory', () => {
  it('should be kept as long as the stores are told', () =>
    withBench(
      (options) => {
        const { forRequest, ...opened } = openMemoryStores({ ...options, eventRetention: HOUR });
        return { stores: forRequest(), ...opened };
      },
      async ({ stores, pass }) => {
        const { lease, run } = await claimNew(stores, alice);
        await finish(stores, alice, lease);
        await pass(HOUR / 1_000 - 0.001);
        expect(await eventsOf(stores, alice, run.id)).toHaveLength(2);
        await pass(0.001);
        expect(await eventsOf(stores, alice, run.id)).toStrictEqual([]);
      },
    ));

  it('should be dropped of many runs little by little', () =>
    withBench(
      openInMemory,
      async ({ stores, clock, pass, sweep }) => {
        const { id: assistantId } = await makeAssistant(stores, alice);
        const ids: string[] = [];
        for (let i = 0; i < 1_200; i++) {
          const { lease, run } = await claimNew(stores, alice, { assistantId });
          await finish(stores, alice, lease);
          ids.push(run.id);
        }
        const left = async (): Promise<number> => {
          const events = await Promise.all(ids.map((id) => eventsOf(stores, alice, id)));
          return events.filter(({ length }) => length > 0).length;
        };
        clock.now += 24 * HOUR - 1_000;
        await pass(1);
        expect(await left()).toBeGreaterThan(0);
        for (let time = 0; time < 2; time++) await sweep();
        expect(await left()).toBe(0);
      },
      { sweepInterval: null },
    ));

  it('should be dropped of the runs that ended first, where all have too many, and of no other', () =>
    withBench(
      (options) => {
        const { forRequest, ...opened } = openMemoryStores({ ...options, eventMemory: 20_000 });
        return { stores: forRequest(), ...opened };
      },
      async ({ stores, clock }) => {
        const active = await claimNew(stores, alice);
        await append(
          stores,
          alice,
          active.lease,
          0,
          Array.from({ length: 50 }, () => 'A'),
        );
        const ended: string[] = [];
        for (const one of [alice, bob, alice]) {
          clock.now += 1_000;
          const { lease, run } = await claimNew(stores, one);
          await append(
            stores,
            one,
            lease,
            0,
            Array.from({ length: 20 }, () => 'A'),
          );
          await finish(stores, one, lease);
          ended.push(run.id);
        }
        const [first, second, third] = ended;
        expect(await eventsOf(stores, alice, first ?? '')).toHaveLength(22);
        await append(
          stores,
          alice,
          active.lease,
          50,
          Array.from({ length: 20 }, () => 'B'),
        );
        expect(await eventsOf(stores, alice, first ?? '')).toStrictEqual([]);
        expect(await eventsOf(stores, bob, second ?? '')).toHaveLength(22);
        expect(await eventsOf(stores, alice, third ?? '')).toHaveLength(22);
        expect(await eventsOf(stores, alice, active.run.id)).toHaveLength(71);
        await append(
          stores,
          alice,
          active.lease,
          70,
          Array.from({ length: 90 }, () => 'C'),
        );
        expect(await eventsOf(stores, alice, third ?? '')).toStrictEqual([]);
        // What is going on is kept, however much it is.
        expect(await eventsOf(stores, alice, active.run.id)).toHaveLength(161);
      },
    ));
});
