import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { FollowedRun } from '../../../src/store/execution.ts';
import { asOwner } from '../../../src/store/owner.ts';
import { openPostgresStores, type PostgresStores } from '../../../src/store/postgres/stores.ts';
import { createChangeFeed } from '../../../src/subscriptions/change-feed.ts';
import { readRunEvents } from '../../../src/subscriptions/run-event-reader.ts';
import { eventually } from '../../support/eventually.ts';
import { configFor } from '../../support/postgres/config.ts';
import { createMigratedDatabase, type TestDatabase } from '../../support/postgres/database.ts';
import { append, claimNew } from '../../support/worker.ts';
import { spyOn } from './spy.ts';

const alice = asOwner('alice');

let database: TestDatabase;

beforeAll(async () => {
  database = await createMigratedDatabase();
});

afterAll(async () => {
  await database.drop();
});

async function openServer(): Promise<PostgresStores> {
  return openPostgresStores(configFor(database.url), { sweepInterval: null });
}

describe('a reader of the events of a run', () => {
  it('should get those of a server that ended before it announced them', async () => {
    const changes = createChangeFeed();
    const { publish, publishEvents, hasSubscribers, followedRuns } = changes;
    const reading = await openPostgresStores(configFor(database.url), {
      publish,
      publishEvents,
      hasSubscribers,
      followedRuns,
      sweepInterval: null,
    });
    const claiming = await openServer();
    const { run, lease } = await claimNew(claiming.forRequest(), alice);
    await claiming.drainNotifications();
    await claiming.close();
    await reading.drainNotifications();
    const reader = readRunEvents({ stores: reading.forRequest(), changes }, alice, run.id, 0);
    expect(await reader.next()).toMatchObject({ value: { last: 1 } });

    const ending = await openServer();
    await append(ending.forRequest(), alice, lease, 0, ['A', 'B']);
    // Events that it has not announced by now are never announced.
    await ending.close();

    expect(await reader.next()).toMatchObject({
      value: { last: 3, events: [{ type: 'A' }, { type: 'B' }], done: false },
    });
    await reader.return?.();
    expect(followedRuns()).toEqual([]);
    await reading.close();
  });
});

describe('the poll of events', () => {
  it('should be one query for all runs that are followed, and none without', async () => {
    vi.useFakeTimers({ toFake: ['setInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const spy = await spyOn(database.url);
    let followed: readonly FollowedRun[] = [];
    const stores = await openPostgresStores(configFor(spy.url), {
      followedRuns: () => followed,
      sweepInterval: null,
    });
    const polls = () => spy.sent.filter(({ text }) => text.includes('last_seq')).map(({ params }) => params);
    spy.clear();
    vi.advanceTimersByTime(1_000);
    // A text that is no id, and readers that read the store next, are not looked up.
    followed = [{ owner: alice, id: 'x', knownSeq: 0 }, read('1', Infinity)];
    vi.advanceTimersByTime(1_000);
    followed = [...followed, read('2', 5), { ...read('3', 0), owner: asOwner('bob') }];
    vi.advanceTimersByTime(1_000);
    await eventually('it has looked', async () => polls().length > 0);
    expect(polls()).toEqual([[JSON.stringify(followed.slice(2))]]);
    await stores.close();
    await spy.close();
  });
});

function read(digit: string, knownSeq: number): FollowedRun {
  return { owner: alice, id: digit.repeat(32), knownSeq };
}
