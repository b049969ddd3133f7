import postgres from 'postgres';
import { afterAll } from 'vitest';
import { openPostgresStores, type PostgresStores } from '../../../src/store/postgres/stores.ts';
import type { StoreOptions } from '../../../src/store/store-options.ts';
import type { OrderField } from '../../../src/store/query.ts';
import type { RunQueue, Store, Stores } from '../../../src/store/stores.ts';
import { configFor } from './config.ts';
import { createMigratedDatabase } from './database.ts';
import type { OpenStores } from '../bench.ts';

/** How stores for tests are opened. */
interface BenchOptions {
  /** Whether a mutation resolves only after its changes were published, for tests that read them. It is slower. */
  readonly waits?: boolean;
  /** Where the stores connect to a database. Default: by its own URL. */
  readonly through?: (url: string) => string;
}

/** Stores in databases of this file's own, which are emptied for each test. */
export function postgresStores({ waits = true, through = (url) => url }: BenchOptions = {}): OpenStores {
  const all: Opened[] = [];
  const free: Opened[] = [];

  afterAll(() => Promise.all(all.map(({ remove }) => remove())));

  return async (options) => {
    const sweepInterval = options.sweepInterval ?? null;
    let opened = sweepInterval === null ? free.pop() : undefined;
    if (opened === undefined) all.push((opened = await open(sweepInterval, through)));
    await opened.use(options);
    return {
      stores: waits ? caughtUp(opened.stores) : opened.stores.forRequest(),
      async sweep() {
        await opened.stores.sweep();
        if (waits) await opened.stores.drainNotifications();
      },
      async close() {
        if (waits) await opened.stores.drainNotifications();
        if (sweepInterval === null) free.push(opened);
      },
    };
  };
}

interface Opened {
  readonly stores: PostgresStores;
  /** Empties the stores, which then use the clock and the callbacks of another test. */
  use(options: StoreOptions): Promise<void>;
  remove(): Promise<void>;
}

async function open(sweepInterval: number | null, through: (url: string) => string): Promise<Opened> {
  const database = await createMigratedDatabase();
  const admin = postgres(database.adminUrl, { max: 1, onnotice: () => {} });
  let options: StoreOptions = {};
  const stores = await openPostgresStores(configFor(through(database.url)), {
    publish: (owner, changes) => options.publish?.(owner, changes),
    publishEvents: (owner, appended) => options.publishEvents?.(owner, appended),
    onReady: (owner, graphId) => options.onReady?.(owner, graphId),
    sweepInterval,
    now: () => options.now?.() ?? Date.now(),
  });
  return {
    stores,
    async use(given) {
      for (const table of ['run_events', 'run_payloads', 'executions', 'idempotency_keys']) {
        await admin.unsafe(`DELETE FROM agent_graphql.${table}`);
      }
      await admin`DELETE FROM agent_graphql.runs`;
      await admin`DELETE FROM agent_graphql.threads`;
      await admin`DELETE FROM agent_graphql.assistants`;
      options = given;
    },
    async remove() {
      await stores.close();
      await admin.end();
      await database.drop();
    },
  };
}

/** Stores whose mutations resolve when their changes have been published. */
function caughtUp(opened: PostgresStores): Stores {
  const { assistants, threads, runs, queue } = opened.forRequest();
  async function after<T>(outcome: T | Promise<T>): Promise<T> {
    const result = await outcome;
    await opened.drainNotifications();
    return result;
  }
  function wait<R, New, Changes, Filter, Field extends OrderField>(
    store: Store<R, New, Changes, Filter, Field>,
  ): Store<R, New, Changes, Filter, Field> {
    return {
      ...store,
      create: (owner, input) => after(store.create(owner, input)),
      update: (owner, id, changes) => after(store.update(owner, id, changes)),
      delete: (owner, id) => after(store.delete(owner, id)),
    };
  }
  return {
    assistants: wait(assistants),
    threads: wait(threads),
    runs: {
      ...runs,
      ...wait(runs),
      cancel: (owner, id, action) => after(runs.cancel(owner, id, action)),
    },
    queue: waitFor(queue),
  };
  function waitFor(work: RunQueue): RunQueue {
    return {
      claim: (...args) => after(work.claim(...args)),
      heartbeat: (...args) => after(work.heartbeat(...args)),
      appendEvents: (...args) => after(work.appendEvents(...args)),
      checkpoint: (...args) => after(work.checkpoint(...args)),
      finish: (...args) => after(work.finish(...args)),
      runOf: (...args) => work.runOf(...args),
      release: (...args) => after(work.release(...args)),
    };
  }
}
