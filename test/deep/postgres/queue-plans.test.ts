import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { asOwner } from '../../../src/store/owner.ts';
import { openPostgresStores, type PostgresStores } from '../../../src/store/postgres/stores.ts';
import type { Stores } from '../../../src/store/stores.ts';
import { valueOf } from '../../support/bench.ts';
import { eventually } from '../../support/eventually.ts';
import { connected } from '../../support/postgres/admin.ts';
import { configFor } from '../../support/postgres/config.ts';
import { createMigratedDatabase, type TestDatabase } from '../../support/postgres/database.ts';
import { ACTIVE_OF_ALICE, fillQueue, OWNERS } from './many-waiting-runs.ts';

const [alice, worker] = [asOwner('alice'), asOwner('worker')];
const REQUEST = { allOwners: true, name: 'w', graphIds: ['graph'], max: 1, leaseSeconds: 30, waitSeconds: 0 };
/** The most rows that may be fetched from a table for one run: looked at, locked and written. */
const FEW_ROWS = 25;

const Counts = z.array(z.object({ table: z.string(), read: z.coerce.number(), fetched: z.coerce.number() }));

let database: TestDatabase;

beforeAll(async () => {
  database = await createMigratedDatabase();
  await fillQueue(database.adminUrl);
});

afterAll(() => database.drop());

/** What a server of its own reads from each table for a call: it is counted once the server's connections have ended. */
async function rowsOf(call: (stores: PostgresStores) => Promise<unknown>): Promise<z.infer<typeof Counts>> {
  const before = new Map((await countsSoFar()).map((count) => [count.table, count]));
  const stores = await openPostgresStores(configFor(database.url), { sweepInterval: null });
  try {
    await call(stores);
  } finally {
    await stores.close();
  }
  return (await countsSoFar()).map(({ table, read, fetched }) => {
    const last = before.get(table);
    return { table, read: read - (last?.read ?? 0), fetched: fetched - (last?.fetched ?? 0) };
  });
}

/** What was read from each table, once nobody else is connected and all is counted. */
async function countsSoFar(): Promise<z.infer<typeof Counts>> {
  return connected(database.adminUrl, async (sql) => {
    let last = '';
    let counts: z.infer<typeof Counts> = [];
    await eventually('all others have left', async () => {
      const others = await sql`SELECT FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`;
      counts = Counts.parse([
        ...(await sql`SELECT relname AS table, seq_tup_read AS read, coalesce(idx_tup_fetch, 0) AS fetched
          FROM pg_stat_user_tables WHERE relname IN ('assistants', 'executions', 'run_payloads', 'runs', 'threads')
          ORDER BY relname`),
      ]);
      const isStable = JSON.stringify(counts) === last;
      last = JSON.stringify(counts);
      return isStable && others.length === 0;
    });
    return counts;
  });
}

/** The tables of which many rows were read. */
function manyRows(counts: z.infer<typeof Counts>): readonly unknown[] {
  return counts.filter(({ read, fetched }) => read + fetched > FEW_ROWS);
}

describe(`a queue of 1,000,000 runs of ${OWNERS} owners`, () => {
  it('should look at few rows to give one run', async () => {
    const counts = await rowsOf(async (stores) => {
      expect(valueOf(await stores.forRequest().queue.claim(worker, REQUEST))).toHaveLength(1);
    });
    expect(manyRows(counts)).toStrictEqual([]);
  });

  it('should look at few rows to give none', async () => {
    const counts = await rowsOf(async (stores) => {
      const none = { ...REQUEST, graphIds: ['none', 'of', 'these'] };
      expect(valueOf(await stores.forRequest().queue.claim(worker, none))).toStrictEqual([]);
    });
    expect(manyRows(counts)).toStrictEqual([]);
  });

  it("should look at few rows for a tenant's own worker", async () => {
    const owner = asOwner('owner 05000');
    const counts = await rowsOf(async (stores) => {
      const request = { ...REQUEST, allOwners: false };
      expect(valueOf(await stores.forRequest().queue.claim(owner, request))).toMatchObject([{ owner }]);
    });
    expect(manyRows(counts)).toStrictEqual([]);
  });

  it('should look at few rows to sweep', async () => {
    expect(manyRows(await rowsOf(async (stores) => stores.sweep()))).toStrictEqual([]);
  });

  it(`should look at few rows for each call about a thread with ${ACTIVE_OF_ALICE} runs that wait`, async () => {
    const request = { ...REQUEST, allOwners: false, graphIds: ['thread'] };
    let lease = '';
    let given = { threadId: '', assistantId: '' };
    let id = '';
    const calls: readonly ((stores: Stores) => Promise<unknown>)[] = [
      async ({ queue }) => {
        const [claim] = valueOf(await queue.claim(alice, request));
        lease = claim?.lease ?? '';
        given = { threadId: claim?.run.threadId ?? '', assistantId: claim?.run.assistantId ?? '' };
      },
      async ({ runs }) => void ({ id } = valueOf(await runs.create(alice, given))),
      async ({ runs }) => valueOf(await runs.update(alice, id, { metadata: { a: 1 } })),
      async ({ queue }) =>
        valueOf(await queue.heartbeat(alice, { leases: [lease], leaseSeconds: 30, waitSeconds: 0 })),
      async ({ queue }) => queue.appendEvents(alice, { lease, offset: 0, events: [{ type: 'T' }] }),
      async ({ queue }) => valueOf(await queue.checkpoint(alice, { lease, values: {} })),
      async ({ queue }) => valueOf(await queue.finish(alice, { lease, status: 'SUCCESS', retry: false })),
      async ({ runs }) => runs.cancel(alice, id, 'INTERRUPT'),
      async ({ runs }) => valueOf(await runs.delete(alice, id)),
      async ({ queue }) => expect(valueOf(await queue.claim(alice, request))).toHaveLength(1),
    ];
    for (const call of calls) {
      expect(manyRows(await rowsOf((stores) => call(stores.forRequest())))).toStrictEqual([]);
    }
  });
});
