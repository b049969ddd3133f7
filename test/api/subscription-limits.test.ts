import { describe, expect, it, onTestFinished } from 'vitest';
import { unavailable } from '../../src/errors.ts';
import { type Changes, createChanges } from '../../src/subscriptions/change-feed.ts';
import { MAX_EVENTS_BEHIND, MAX_SUBSCRIPTIONS_OF_OWNER } from '../../src/limits.ts';
import type { Change } from '../../src/store/change.ts';
import { openApi, send } from '../support/api.ts';
import { asOwner as owner } from '../../src/store/owner.ts';
import { type Stream, subscribe } from '../support/sse.ts';

const THREADS = 'subscription { threadChanged { kind id } }';
const LATER = Date.now() + 3_600_000;

/** The codes that the last event before `complete` has. */
async function lastCodes(stream: Stream): Promise<unknown> {
  const events = await stream.rest();
  expect(events.at(-1)).toEqual({ event: 'complete', data: null });
  return events.at(-2)?.data?.errors;
}

const EXCEEDED = [expect.objectContaining({ extensions: { code: 'LIMIT_EXCEEDED' } })];

describe('open subscriptions', () => {
  it.each([
    ['one owner', { ofOwner: 3 }, ['alice', 'alice', 'alice'], 'alice', 'bob'],
    ['all owners', { inAll: 3 }, ['alice', 'bob', 'carol'], 'dave', null],
  ] as const)(
    'should be limited for %s, and be given back',
    async (_kind, limits, owners, refused, other) => {
      const { api, changes, logged } = openApi({ changes: createChanges(limits) });
      const streams = await Promise.all(owners.map((as) => subscribe(api, as, THREADS)));
      const over = await subscribe(api, refused, THREADS);
      expect(over.status).toBe(429);
      expect(await lastCodes(over)).toEqual(EXCEEDED);
      expect(changes.count()).toBe(3);
      // Everything else goes on.
      expect((await send(api, refused, '{ threads { totalCount } }')).status).toBe(200);
      if (other !== null) await (await subscribe(api, other, THREADS)).cancel();

      await streams[0]?.cancel();
      const next = await subscribe(api, refused, THREADS);
      expect(next.status).toBe(200);
      await Promise.all([...streams, next].map((stream) => stream.cancel()));
      expect(changes.count()).toBe(0);
      expect(logged).toEqual([]);
    },
  );

  it('should be 50 of one owner', async () => {
    const { api, changes } = openApi();
    for (let i = 0; i < MAX_SUBSCRIPTIONS_OF_OWNER; i += 1) {
      expect((await subscribe(api, 'alice', THREADS)).status).toBe(200);
    }
    expect(MAX_SUBSCRIPTIONS_OF_OWNER).toBe(50);
    expect((await subscribe(api, 'alice', THREADS)).status).toBe(429);
    changes.close(unavailable('over'));
  });

  const alice = { owner: owner('alice'), expiresAt: LATER };

  it.each<[string, (changes: Changes, queue: ReturnType<Changes['subscribe']>) => unknown]>([
    ['its reader goes away', (_, queue) => queue.return()],
    ['the server closes', (changes) => changes.close(unavailable('over'))],
    ['it is cut off', (_, queue) => queue.cutOff(unavailable('over'))],
    ['it ends, more than once', (_, queue) => [queue.end(), queue.end(), void queue.return()]],
  ])('should give a place back when %s', async (_kind, end) => {
    const changes = createChanges({ ofOwner: 1 });
    const queue = changes.subscribe('thread', alice, (change) => change);
    expect(() => changes.subscribe('run', alice, () => null)).toThrow('close one first');
    await end(changes, queue);
    await changes.subscribe('run', alice, () => null).return();
    // One place, not two.
    const again = changes.subscribe('run', alice, () => null);
    changes.close(unavailable('over'));
    await again.return();
  });

  it('should give a place back when the token ends', async () => {
    const changes = createChanges({ ofOwner: 1 });
    const queue = changes.subscribe('thread', { ...alice, expiresAt: Date.now() - 1 }, (change) => change);
    await expect(queue.next()).rejects.toMatchObject({ extensions: { code: 'UNAUTHENTICATED' } });
    await changes.subscribe('thread', alice, () => null).return();
  });

  it('should give a place back to those who are refused while it is set up', async () => {
    const { api, changes } = openApi({ changes: createChanges({ ofOwner: 1 }) });
    for (let i = 0; i < 3; i += 1) {
      const { status } = await send(api, 'alice', THREADS, {}, { accept: 'application/json' });
      expect(status).toBe(406);
    }
    expect(changes.count()).toBe(0);
  });
});

describe('a reader that falls behind', () => {
  const alice = { owner: owner('alice'), expiresAt: LATER };
  const wanted: Change = {
    resource: 'thread',
    before: null,
    after: { id: '1', metadata: { owner: 'alice' }, status: 'IDLE', createdAt: '', updatedAt: '' },
  };

  it('should be cut off by what comes when it is 1,000 events behind, with nothing kept for it', async () => {
    const changes = createChanges();
    const queue = changes.subscribe('thread', alice, (change) => change);
    for (let i = 0; i < MAX_EVENTS_BEHIND - 1; i += 1) changes.publish(alice.owner, [wanted]);
    changes.publish(alice.owner, [wanted]);
    expect(queue.waiting).toBe(1_000);
    // What it would not see does not count, nor does what another one has.
    changes.publish(alice.owner, [{ resource: 'run', before: null, after: null }]);
    changes.publish(owner('bob'), [wanted]);
    expect(queue.waiting).toBe(1_000);
    changes.publish(alice.owner, [wanted]);
    expect(queue.waiting).toBe(0);
    expect(changes.count()).toBe(0);
    await expect(queue.next()).rejects.toMatchObject({ extensions: { code: 'LIMIT_EXCEEDED' } });
    expect(await queue.next()).toEqual({ done: true, value: undefined });
  });

  it('should go on when it is 999 behind, and when it has caught up', async () => {
    const changes = createChanges();
    const queue = changes.subscribe('thread', alice, (change) => change);
    onTestFinished(async () => void (await queue.return()));
    for (let i = 0; i < MAX_EVENTS_BEHIND; i += 1) changes.publish(alice.owner, [wanted]);
    await queue.next();
    changes.publish(alice.owner, [wanted]);
    expect(queue.waiting).toBe(1_000);
  });

  it('should not be cut off within one mutation, however much it changes', async () => {
    const changes = createChanges();
    const queue = changes.subscribe('thread', alice, (change) => change);
    changes.publish(
      alice.owner,
      Array.from({ length: 5_000 }, () => wanted),
    );
    expect(queue.waiting).toBe(5_000);
    for (let i = 0; i < 4_001; i += 1) await queue.next();
    changes.publish(alice.owner, [wanted, wanted]);
    expect(queue.waiting).toBe(1_001);
    await queue.return();
  });

  it('should be told so as the last event of its stream', async () => {
    const { api, stores, changes, logged } = openApi();
    const stream = await subscribe(api, 'alice', THREADS);
    // The buffers on its way take some events before the first one waits.
    for (let i = 0; changes.count() === 1 && i < 2 * MAX_EVENTS_BEHIND; i += 1) {
      await stores.threads.create(owner('alice'), {});
    }
    expect(await lastCodes(stream)).toEqual(EXCEEDED);
    expect(logged).toEqual([]);
  });
});
