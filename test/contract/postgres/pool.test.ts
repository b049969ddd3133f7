import { setMaxListeners } from 'node:events';
import { beforeAll, afterAll, describe, expect, it, onTestFinished } from 'vitest';
import type { DatabaseConfig } from '../../../src/store/postgres/client/database-config.ts';
import { createPool, type Pool } from '../../../src/store/postgres/client/pool.ts';
import { storeError } from '../../../src/store/postgres/client/errors.ts';
import { StoreUnavailable } from '../../../src/store/unavailable.ts';
import { eventually } from '../../support/eventually.ts';
import { HOUR } from '../../support/hour.ts';
import { connected } from '../../support/postgres/admin.ts';
import { createDatabase, type TestDatabase } from '../../support/postgres/database.ts';
import { type Proxy, startProxy } from '../../support/postgres/proxy.ts';
import { configFor, TEST_LIMITS } from '../../support/postgres/config.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
});

afterAll(() => database.drop());

function openPool(options: Partial<DatabaseConfig> = {}): Pool {
  return opened(configFor(database.url, options));
}

function opened(config: DatabaseConfig): Pool {
  const pool = createPool(config);
  onTestFinished(() => pool.close());
  return pool;
}

async function openProxy(): Promise<Proxy> {
  const proxy = await startProxy(database.url);
  onTestFinished(() => proxy.close());
  return proxy;
}

function nothing(): void {}

/** A signal that is never aborted. */
function never(): AbortSignal {
  return new AbortController().signal;
}

/** A minimal transaction. */
function ping(pool: Pool, signal = never()): Promise<unknown> {
  return pool.transaction('BEGIN', signal, ({ sql, run }) => run(sql`SELECT 1`));
}

/** Transactions that all have to run at the same time to come to an end. */
async function together(pool: Pool, count: number): Promise<void> {
  let inside = 0;
  let open = nothing;
  const all = new Promise<void>((resolve) => {
    open = resolve;
  });
  await Promise.all(
    Array.from({ length: count }, () =>
      pool.transaction('BEGIN', never(), async ({ sql, run }) => {
        await run(sql`SELECT 1`);
        if (++inside === count) open();
        await all;
      }),
    ),
  );
}

/** Holds a connection of a pool until it is released. */
async function hold(pool: Pool): Promise<() => Promise<void>> {
  let letGo = nothing;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let isInside = nothing;
  const inside = new Promise<void>((resolve) => {
    isInside = resolve;
  });
  const done = pool.transaction('BEGIN', never(), async ({ sql, run }) => {
    await run(sql`SELECT 1`);
    isInside();
    await held;
  });
  await inside;
  return async () => {
    letGo();
    await done;
  };
}

async function backends(): Promise<number> {
  return connected(database.adminUrl, async (sql) => {
    const { count } = await sql`SELECT FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'agent-graphql'`;
    return count;
  });
}

describe('the pool', () => {
  it('should use as many connections as it may, and no more', async () => {
    const pool = openPool();
    await together(pool, 4);
    await Promise.all(Array.from({ length: 100 }, () => ping(pool)));
    expect(await backends()).toBe(4);
    await pool.close();
    await eventually('all connections are closed', async () => (await backends()) === 0);
  });

  it('should let go of whoever waits for a place no more, and pass them over', async () => {
    const pool = openPool({ poolSize: 1 });
    const letGo = await hold(pool);
    const late = new AbortController();
    setMaxListeners(0, late.signal);
    const waiting = Array.from({ length: 50 }, () => ping(pool, late.signal));
    const patient = ping(pool);
    late.abort(new Error('too late'));
    for (const one of waiting) await expect(one).rejects.toThrow('too late');
    await letGo();
    await patient;
    expect(await backends()).toBe(1);
    await expect(ping(pool, late.signal)).rejects.toThrow('too late');
  });

  it('should refuse a statement of a transaction that has failed, with the reason', async () => {
    const pool = openPool({ poolSize: 1 });
    let goOn = nothing;
    const later = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    let straggler: Promise<unknown> = Promise.resolve();
    const failing = pool.transaction('BEGIN', never(), async ({ sql, run }) => {
      straggler = later.then(() => run(sql`SELECT txid_current()`));
      straggler.catch(() => {});
      await run(sql`SELECT 1 / 0`);
    });
    await expect(failing).rejects.toThrow('division by zero');
    await pool.transaction('BEGIN', never(), async ({ sql, run }) => {
      await run(sql`SELECT 1`);
      goOn();
      await expect(straggler).rejects.toThrow('division by zero');
      await run(sql`SELECT 1`);
    });
  });

  it('should refuse a statement of a transaction whose connection was lost as the transaction itself', async () => {
    const pool = openPool({ poolSize: 1 });
    const stragglers: (() => Promise<unknown>)[] = [];
    const lost = pool.transaction('BEGIN', never(), async ({ sql, run }) => {
      stragglers.push(() => run(sql`SELECT 1`));
      await run(sql`SELECT pg_terminate_backend(pg_backend_pid())`).catch(nothing);
      await new Promise(nothing);
    });
    const reason = await lost.catch((thrown: unknown) => thrown);
    expect(storeError(reason)).toBeInstanceOf(StoreUnavailable);
    for (const straggler of stragglers) await expect(straggler()).rejects.toBe(reason);
    expect(stragglers).toHaveLength(1);
  });

  it('should undo all of what failed, and go on with the same connection', async () => {
    const pool = openPool({ poolSize: 1 });
    await connected(database.adminUrl, (sql) =>
      sql.unsafe('CREATE TABLE public.kept (n integer); GRANT ALL ON public.kept TO PUBLIC'),
    );
    const failing = pool.transaction('BEGIN', never(), async ({ sql, run }) => {
      await run(sql`INSERT INTO public.kept VALUES (1)`);
      throw new Error('on second thoughts');
    });
    await expect(failing).rejects.toThrow('on second thoughts');
    const kept = await pool.transaction('BEGIN', never(), ({ sql, run }) =>
      run(sql`SELECT n FROM public.kept`),
    );
    expect(kept).toHaveLength(0);
  });

  it('should fail with a lost connection, and open another in its place', async () => {
    const pool = openPool();
    const lost = pool.transaction('BEGIN', never(), async ({ sql, run }) => {
      await run(sql`SELECT pg_terminate_backend(pg_backend_pid())`);
    });
    await expect(lost).rejects.toThrow(/terminating connection|connection was closed/);
    await together(pool, 4);
    // It waits until their processes have ended, and so have closed their connections.
    await connected(database.adminUrl, (sql) =>
      sql.unsafe(`SELECT pg_terminate_backend(pid, ${HOUR}) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'agent-graphql'`),
    );
    expect(await backends()).toBe(0);
    await together(pool, 4);
  });

  it('should start sessions with no parameter that PgBouncer does not know', async () => {
    const proxy = await openProxy();
    await ping(opened(configFor(proxy.through(database.url))));
    // The protocol separates texts by zeros.
    // oxlint-disable-next-line no-control-regex
    const [, parameters = ''] = /\0\x03\0\0((?:[^\0]+\0[^\0]*\0)+)\0/.exec(proxy.sent) ?? [];
    const names = parameters.split('\0').filter((_, index) => index % 2 === 0);
    expect(names.filter(Boolean)).toEqual(['user', 'database', 'client_encoding', 'application_name']);
  });

  it('should not take a closed connection for an invitation to try for ever', async () => {
    const proxy = await openProxy();
    const pool = opened(configFor(proxy.through(database.url)));
    proxy.be('hang up');
    const message = expect.not.stringContaining('within');
    const reason = expect.objectContaining({ name: 'ConnectionLost', message });
    for (const count of [1, 20]) {
      const all = await Promise.allSettled(Array.from({ length: count }, () => ping(pool)));
      expect(all).toEqual(all.map(() => ({ status: 'rejected', reason })));
    }
    // One attempt for each.
    expect(proxy.accepted).toBe(21);
    proxy.be('pass');
    await together(pool, 4);
  });

  it('should not wait longer for a connection than it may, and use the place again', async () => {
    const proxy = await openProxy();
    const config = { ...configFor(proxy.through(database.url)), connectTimeout: 50 };
    const pool = opened(config);
    proxy.be('swallow');
    const all = await Promise.allSettled(Array.from({ length: 4 }, () => ping(pool)));
    const reason = expect.objectContaining({ message: 'no connection within 50 ms' });
    expect(all).toEqual(all.map(() => ({ status: 'rejected', reason })));
    // The next attempt must not time out on a slow machine.
    config.connectTimeout = TEST_LIMITS.connectTimeout;
    proxy.be('pass');
    await together(pool, 4);
  });

  it('should keep no connection that may have been lost without notice', async () => {
    const proxy = await openProxy();
    const pool = opened(configFor(proxy.through(database.url)));
    await together(pool, 4);
    const { accepted, sent } = proxy;
    proxy.forsake();
    const late = new AbortController();
    const lost = ping(pool, late.signal);
    await eventually('it is sent', () => proxy.sent.length > sent.length);
    late.abort(new Error('too late'));
    await expect(lost).rejects.toThrow('too late');
    await together(pool, 4);
    expect(proxy.accepted).toBe(accepted + 4);
  });

  it('should close what is only just being opened', async () => {
    const proxy = await openProxy();
    const pool = opened(configFor(proxy.through(database.url)));
    proxy.be('swallow');
    const opening = ping(pool);
    opening.catch(() => {});
    await eventually('it connects', () => proxy.accepted === 1);
    await pool.close();
    await expect(opening).rejects.toThrow('the connection was closed');
    await eventually('the connection is closed', () => proxy.open === 0);
  });
});

describe('a transaction that commits with its last statements', () => {
  it('should store all of it, and take no statement after', async () => {
    const pool = openPool();
    const late = await pool.transaction('BEGIN', never(), async ({ sql, run, commit }) => {
      const made = run(sql`CREATE SCHEMA committed_at_once`);
      commit();
      await made;
      return run(sql`SELECT 1`).then(
        () => null,
        (error: unknown) => error,
      );
    });
    expect(late).toMatchObject({ message: 'The transaction is over.' });
    const rows = await pool.transaction('BEGIN', never(), ({ sql, run }) =>
      run(sql`SELECT to_regnamespace('committed_at_once') IS NOT NULL AS made`),
    );
    expect(rows).toMatchObject([{ made: true }]);
  });

  it('should store nothing where one of them fails, and leave the connection usable', async () => {
    const pool = openPool({ poolSize: 1 });
    const failed = pool.transaction('BEGIN', never(), async ({ sql, run, commit }) => {
      const statements = Promise.all([run(sql`CREATE SCHEMA never_committed`), run(sql`SELECT 1 / 0`)]);
      commit();
      await statements;
    });
    await expect(failed).rejects.toThrow('division by zero');
    const rows = await pool.transaction('BEGIN', never(), ({ sql, run }) =>
      run(sql`SELECT to_regnamespace('never_committed') IS NOT NULL AS made`),
    );
    expect(rows).toMatchObject([{ made: false }]);
  });
});
