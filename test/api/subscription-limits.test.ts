import { describe, expect, it, onTestFinished } from 'vitest';
import { MAX_SUBSCRIPTIONS_OF_OWNER } from '../../src/limits.ts';
import { createSubscribers } from '../../src/subscriptions/subscribers.ts';
import { openApi, send } from '../support/api.ts';
import { asOwner as owner } from '../../src/store/owner.ts';
import { type Stream, subscribe } from '../support/sse.ts';

const THREADS = 'subscription { threadChanged { kind threadId } }';

/** The errors of the last event before `complete`. */
async function lastErrors(stream: Stream): Promise<unknown> {
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
      const { api, subscribers, logged } = openApi({ subscribers: createSubscribers(limits) });
      const streams = await Promise.all(owners.map((as) => subscribe(api, as, THREADS)));
      const over = await subscribe(api, refused, THREADS);
      expect(over.status).toBe(200);
      expect(await lastErrors(over)).toEqual(EXCEEDED);
      // Who also accepts JSON is refused by the status.
      const accept = 'text/event-stream, application/json';
      expect((await send(api, refused, THREADS, {}, { accept })).status).toBe(429);
      expect(subscribers.count()).toBe(3);
      // Everything else goes on.
      expect((await send(api, refused, '{ threads { totalCount } }')).status).toBe(200);
      if (other !== null) await (await subscribe(api, other, THREADS)).cancel();

      await streams[0]?.cancel();
      const next = await subscribe(api, refused, THREADS);
      expect(subscribers.count()).toBe(3);
      await Promise.all([...streams, next].map((stream) => stream.cancel()));
      expect(subscribers.count()).toBe(0);
      expect(logged).toEqual([]);
    },
  );

  it('should be 50 of one owner', async () => {
    const { api, subscribers } = openApi();
    onTestFinished(() => subscribers.close());
    for (let i = 0; i < MAX_SUBSCRIPTIONS_OF_OWNER; i += 1) await subscribe(api, 'alice', THREADS);
    expect(MAX_SUBSCRIPTIONS_OF_OWNER).toBe(50);
    expect(subscribers.count()).toBe(50);
    expect(await lastErrors(await subscribe(api, 'alice', THREADS))).toEqual(EXCEEDED);
  });

  it('should take no place where they are refused or cannot begin', async () => {
    const { changes } = openApi();
    const broken = {
      ...changes,
      subscribe(): never {
        throw new Error('The feed is broken.');
      },
    };
    const subscribers = createSubscribers({ ofOwner: 1 });
    const { api } = openApi({ subscribers, changes: broken });
    for (let i = 0; i < 3; i += 1) {
      const { status } = await send(api, 'alice', THREADS, {}, { accept: 'application/json' });
      expect(status).toBe(406);
    }
    for (let i = 0; i < 3; i += 1) {
      const stream = await subscribe(api, 'alice', THREADS);
      expect(await lastErrors(stream)).toMatchObject([{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }]);
    }
    expect(subscribers.count()).toBe(0);
  });
});

it('a reader that falls behind should be told so as the last event of its stream', async () => {
  const { api, stores, subscribers, logged } = openApi({
    subscribers: createSubscribers({ bytesBehind: 10_000 }),
  });
  const stream = await subscribe(api, 'alice', 'subscription { threadChanged { thread { metadata } } }');
  const MANY = 5_000;
  // The buffers of the connection take some events before the first one waits.
  for (let i = 0; subscribers.count() === 1 && i < MANY; i += 1) {
    await stores.threads.create(owner('alice'), { metadata: { big: 'x'.repeat(1_000) } });
  }
  expect(await lastErrors(stream)).toEqual(EXCEEDED);
  expect(logged).toEqual([]);
});
