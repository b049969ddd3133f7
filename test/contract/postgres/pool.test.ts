import { setMaxListeners } from 'node:events';
import { beforeAll, afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { createPool, type Pool } from '../../../src/store/postgres/client/pool.ts';
import { eventually } from '../../support/eventually.ts';
import { connected } from '../../support/postgres/admin.ts';
import { createDatabase, type TestDatabase } from '../../support/postgres/database.ts';
import { type Proxy, startProxy } from '../../support/postgres/proxy.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
}, 60_000);

afterAll(() => database.drop());

/** What to connect with. */
const SOON = { poolSize: 4, statementTimeout: 5_000, connectTimeout: 1_000 };
/** What is done by then did not wait for a deadline, in milliseconds. */
const AT_ONCE = 900;

function openPool(options: Partial<typeof SOON> = {}, url = database.url): Pool {
  const pool = createPool({ ...SOON, url, ...options });
  onTestFinished(() => pool.close());
  return pool;
}

async function openProxy(): Promise<Proxy> {
  const proxy = await startProxy(database.url);
  onTestFinished(() => proxy.close());
  return proxy;
}

function nothing(): void {}

/** A signal that nobody gives. */
function never(): AbortSignal {
  return new AbortController().signal;
}

/** A transaction that does as little as can be. */
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

/** Holds a place of a pool until it is let go. */
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

describe('the pool', { timeout: 20_000 }, () => {
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

  it('should refuse a statement of a transaction that is over', async () => {
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
      await expect(straggler).rejects.toThrow('over');
      await run(sql`SELECT 1`);
    });
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
    await connected(database.adminUrl, (sql) =>
      sql.unsafe(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'agent-graphql'`),
    );
    await eventually('all connections are closed', async () => (await backends()) === 0);
    await together(pool, 4);
  });

  it('should not take a closed connection for an invitation to try for ever', async () => {
    const proxy = await openProxy();
    const pool = openPool({}, proxy.through(database.url));
    proxy.be('hang up');
    const start = performance.now();
    await expect(ping(pool)).rejects.toThrow('connection');
    await expect(Promise.all(Array.from({ length: 20 }, () => ping(pool)))).rejects.toThrow('connection');
    expect(performance.now() - start).toBeLessThan(AT_ONCE);
    expect(proxy.accepted).toBeLessThanOrEqual(21);
    proxy.be('pass');
    await together(pool, 4);
  });

  it('should not wait longer for a connection than it may, and use the place again', async () => {
    const proxy = await openProxy();
    const pool = openPool({}, proxy.through(database.url));
    proxy.be('swallow');
    const start = performance.now();
    const all = await Promise.allSettled(Array.from({ length: 4 }, () => ping(pool)));
    expect(all.map(({ status }) => status)).toEqual(Array.from({ length: 4 }, () => 'rejected'));
    expect(performance.now() - start).toBeLessThan(SOON.connectTimeout + AT_ONCE);
    proxy.be('pass');
    await together(pool, 4);
  });

  it('should keep no connection that may have been lost without notice', async () => {
    const proxy = await openProxy();
    const pool = openPool({}, proxy.through(database.url));
    await together(pool, 4);
    proxy.forsake();
    const late = AbortSignal.timeout(500);
    await expect(ping(pool, late)).rejects.toThrow('timeout');
    const start = performance.now();
    await together(pool, 4);
    expect(performance.now() - start).toBeLessThan(AT_ONCE);
  });

  it('should close what is only just being opened', async () => {
    const proxy = await openProxy();
    const pool = openPool({}, proxy.through(database.url));
    proxy.be('swallow');
    const opening = ping(pool);
    opening.catch(() => {});
    await eventually('it connects', () => proxy.accepted === 1);
    const start = performance.now();
    await pool.close();
    await expect(opening).rejects.toThrow('connection');
    expect(performance.now() - start).toBeLessThan(AT_ONCE);
  });
});
