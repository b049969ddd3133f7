import { asOwner as owner } from '../../src/store/owner.ts';
import type { Stores } from '../../src/store/stores.ts';

const alice = owner('alice');
const ORDER = { orderBy: { field: 'CREATED_AT', direction: 'DESC' } } as const;
const RUN = { threadId: 'id', assistantId: 'id' };
const RANGE = { after: 0, limit: 1, maxBytes: 1 };
const CLAIM = { allOwners: true, name: 'worker', graphIds: [], max: 1, leaseSeconds: 30, waitSeconds: 0 };
const BEAT = { leases: [], leaseSeconds: 30, waitSeconds: 0 };
const EVENTS = { lease: 'lease', offset: 0, events: [] };
const STATE = { lease: 'lease', values: {} };
const END = { lease: 'lease', status: 'SUCCESS', retry: false } as const;

/** Compiles only as long as each line below an `@ts-expect-error` does not: `tsc` is the test, and nothing runs. */
export async function forgetTheOwner({ assistants, threads, runs, queue }: Stores): Promise<void> {
  // Assistants: with an owner; without one; with a plain string in its place.
  await assistants.create(alice, { graphId: 'graph' });
  await assistants.get(alice, 'id');
  await assistants.getMany(alice, ['id']);
  await assistants.list(alice, ORDER);
  await assistants.count(alice, {});
  await assistants.count(alice);
  await assistants.update(alice, 'id', {});
  await assistants.delete(alice, 'id');
  // @ts-expect-error
  await assistants.create({ graphId: 'graph' });
  // @ts-expect-error
  await assistants.create('alice', { graphId: 'graph' });
  // @ts-expect-error
  await assistants.get('id');
  // @ts-expect-error
  await assistants.get('alice', 'id');
  // @ts-expect-error
  await assistants.getMany(['id']);
  // @ts-expect-error
  await assistants.getMany('alice', ['id']);
  // @ts-expect-error
  await assistants.list(ORDER);
  // @ts-expect-error
  await assistants.list('alice', ORDER);
  // @ts-expect-error
  await assistants.count({});
  // @ts-expect-error
  await assistants.count('alice', {});
  // @ts-expect-error
  await assistants.count();
  // @ts-expect-error
  await assistants.count('alice');
  // @ts-expect-error
  await assistants.update('id', {});
  // @ts-expect-error
  await assistants.update('alice', 'id', {});
  // @ts-expect-error
  await assistants.delete('id');
  // @ts-expect-error
  await assistants.delete('alice', 'id');

  // Threads: with an owner; without one; with a plain string in its place.
  await threads.create(alice, {});
  await threads.get(alice, 'id');
  await threads.getMany(alice, ['id']);
  await threads.list(alice, ORDER);
  await threads.count(alice, {});
  await threads.count(alice);
  await threads.update(alice, 'id', {});
  await threads.delete(alice, 'id');
  // @ts-expect-error
  await threads.create({});
  // @ts-expect-error
  await threads.create('alice', {});
  // @ts-expect-error
  await threads.get('id');
  // @ts-expect-error
  await threads.get('alice', 'id');
  // @ts-expect-error
  await threads.getMany(['id']);
  // @ts-expect-error
  await threads.getMany('alice', ['id']);
  // @ts-expect-error
  await threads.list(ORDER);
  // @ts-expect-error
  await threads.list('alice', ORDER);
  // @ts-expect-error
  await threads.count({});
  // @ts-expect-error
  await threads.count('alice', {});
  // @ts-expect-error
  await threads.count();
  // @ts-expect-error
  await threads.count('alice');
  // @ts-expect-error
  await threads.update('id', {});
  // @ts-expect-error
  await threads.update('alice', 'id', {});
  // @ts-expect-error
  await threads.delete('id');
  // @ts-expect-error
  await threads.delete('alice', 'id');

  // Runs: with an owner; without one; with a plain string in its place.
  await runs.create(alice, RUN);
  await runs.get(alice, 'id');
  await runs.getMany(alice, ['id']);
  await runs.list(alice, ORDER);
  await runs.count(alice, {});
  await runs.count(alice);
  await runs.update(alice, 'id', {});
  await runs.delete(alice, 'id');
  // @ts-expect-error
  await runs.create(RUN);
  // @ts-expect-error
  await runs.create('alice', RUN);
  // @ts-expect-error
  await runs.get('id');
  // @ts-expect-error
  await runs.get('alice', 'id');
  // @ts-expect-error
  await runs.getMany(['id']);
  // @ts-expect-error
  await runs.getMany('alice', ['id']);
  // @ts-expect-error
  await runs.list(ORDER);
  // @ts-expect-error
  await runs.list('alice', ORDER);
  // @ts-expect-error
  await runs.count({});
  // @ts-expect-error
  await runs.count('alice', {});
  // @ts-expect-error
  await runs.count();
  // @ts-expect-error
  await runs.count('alice');
  // @ts-expect-error
  await runs.update('id', {});
  // @ts-expect-error
  await runs.update('alice', 'id', {});
  // @ts-expect-error
  await runs.delete('id');
  // @ts-expect-error
  await runs.delete('alice', 'id');

  // What runs have besides: with an owner; without one; with a plain string in its place.
  await runs.cancel(alice, 'id', 'INTERRUPT');
  await runs.payload(alice, 'id', 'input');
  await runs.events(alice, 'id', RANGE);
  // @ts-expect-error
  await runs.cancel('id', 'INTERRUPT');
  // @ts-expect-error
  await runs.cancel('alice', 'id', 'INTERRUPT');
  // @ts-expect-error
  await runs.payload('id', 'input');
  // @ts-expect-error
  await runs.payload('alice', 'id', 'input');
  // @ts-expect-error
  await runs.events('id', RANGE);
  // @ts-expect-error
  await runs.events('alice', 'id', RANGE);

  // The queue: with an owner; without one; with a plain string in its place.
  await queue.claim(alice, CLAIM);
  await queue.heartbeat(alice, BEAT);
  await queue.appendEvents(alice, EVENTS);
  await queue.checkpoint(alice, STATE);
  await queue.finish(alice, END);
  await queue.release(alice, []);
  // @ts-expect-error
  await queue.claim(CLAIM);
  // @ts-expect-error
  await queue.claim('alice', CLAIM);
  // @ts-expect-error
  await queue.heartbeat(BEAT);
  // @ts-expect-error
  await queue.heartbeat('alice', BEAT);
  // @ts-expect-error
  await queue.appendEvents(EVENTS);
  // @ts-expect-error
  await queue.appendEvents('alice', EVENTS);
  // @ts-expect-error
  await queue.checkpoint(STATE);
  // @ts-expect-error
  await queue.checkpoint('alice', STATE);
  // @ts-expect-error
  await queue.finish(END);
  // @ts-expect-error
  await queue.finish('alice', END);
  // @ts-expect-error
  await queue.release([]);
  // @ts-expect-error
  await queue.release('alice', []);
}
