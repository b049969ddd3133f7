import type { ResourceChange } from '../../../src/schema/change.ts';
import { changeEvent } from '../../../src/schema/change.ts';
import { createEventRateLimiter } from '../../../src/subscriptions/event-rate-limiter.ts';
import { createClaimWaiters } from '../../../src/subscriptions/claim-waiters.ts';
import { createWaits } from '../../../src/subscriptions/waits.ts';
import { type Context, createContext } from '../../../src/schema/context.ts';
import { schema } from '../../../src/schema/schema.ts';
import type { Change } from '../../../src/store/change.ts';
import { createMemoryStores } from '../../../src/store/memory/stores.ts';
import { asOwner } from '../../../src/store/owner.ts';
import type { Stores } from '../../../src/store/stores.ts';
import type { RunEventBatch } from '../../../src/subscriptions/run-event-reader.ts';
import { createChangeFeed } from '../../../src/subscriptions/change-feed.ts';
import { HOUR } from '../../support/hour.ts';
import { makeAssistant, makeRun, makeThread, type AnyRecord } from '../../support/records.ts';
import type { Subject } from '../../support/valid-requests.ts';

const alice = asOwner('alice');

/** Stores with a few records, and what requests can be about. */
export interface World {
  readonly stores: Stores;
  readonly subject: Subject;
  /** The events of the changes that made the records. */
  eventsOf(topic: Change['resource']): readonly ResourceChange<AnyRecord>[];
}

/** Metadata with keys that mean something to JavaScript, and text that JSON has escaped. */
export const ODD_METADATA = JSON.parse(
  '{ "then": 1, "toJSON": 1, "__proto__": { "a": [1.5] }, "ключ": "\\"\\u2028" }',
);

/** Creates stores in memory of an owner with an assistant, three threads and three runs. */
export async function openWorld(): Promise<World> {
  const changes: Change[] = [];
  const stores = createMemoryStores({ publish: (_, published) => changes.push(...published) });
  const assistant = await makeAssistant(stores, alice, { name: 'a name', metadata: ODD_METADATA });
  const ids = [assistant.id];
  for (const status of ['PENDING', 'ERROR', 'SUCCESS'] as const) {
    const thread = await makeThread(stores, alice, ODD_METADATA);
    const run = await makeRun(stores, alice, { threadId: thread.id, assistantId: assistant.id }, status);
    ids.push(thread.id, run.id);
  }
  const deleted = await makeRun(stores, alice);
  await stores.threads.delete(alice, deleted.threadId);
  await stores.assistants.delete(alice, deleted.assistantId);
  const page = await stores.threads.list(alice, { orderBy: { field: 'CREATED_AT', direction: 'DESC' } });
  return {
    stores,
    subject: { schema, ids, cursors: page.items.map((item) => page.cursorOf(item)) },
    eventsOf: (topic) =>
      changes
        .filter(({ resource }) => resource === topic)
        .map(({ before, after }) => changeEvent<AnyRecord>({ before, after }, () => true))
        .filter((event) => event !== null),
  };
}

/** Batches of a run's events. */
export const BATCHES: readonly RunEventBatch[] = [
  { events: [], last: 0, missedUpTo: null, status: 'PENDING', done: false },
  {
    events: [
      {
        seq: 3,
        attempt: 1,
        type: 'TOKEN',
        data: JSON.stringify(ODD_METADATA),
        at: '2026-01-02T03:04:05.678Z',
      },
      { seq: 4, attempt: 1, type: 'RUN_FINISHED', data: '{}', at: '2026-01-02T03:04:05.678Z' },
    ],
    last: 4,
    missedUpTo: 2,
    status: 'SUCCESS',
    done: true,
  },
];

/** What the resolvers of a request of that owner get. */
export function contextWith(stores: Stores): Context {
  const waits = createWaits();
  // No call waits.
  void waits.close();
  const shared = {
    changes: createChangeFeed(),
    waits,
    claimWaiters: createClaimWaiters(),
    eventRateLimiter: createEventRateLimiter(),
  };
  const identity = { owner: alice, worker: null, expiresAt: Date.now() + HOUR };
  return createContext(shared, identity, stores);
}
