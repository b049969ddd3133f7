import { createHash } from 'node:crypto';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runInTransaction } from '../../../src/store/postgres/client/database.ts';
import { createPool, type Pool } from '../../../src/store/postgres/client/pool.ts';
import { deleteOldChanges } from '../../../src/store/postgres/notifications/change-log.ts';
import { openPostgresStores, type PostgresStores } from '../../../src/store/postgres/stores.ts';
import { asOwner } from '../../../src/store/owner.ts';
import { connected } from '../../support/postgres/admin.ts';
import { createDatabase, type TestDatabase } from '../../support/postgres/database.ts';
import { valueOf } from '../../support/bench.ts';
import { everythingOf } from '../../support/walk.ts';
import { makeAssistant } from '../../support/records.ts';
import { configFor, TEST_LIMITS } from '../../support/postgres/config.ts';

const [alice, bob] = [asOwner('alice'), asOwner('bob')];
const TABLES = [
  'assistants',
  'threads',
  'runs',
  'changes',
  'executions',
  'idempotency_keys',
  'run_events',
  'run_payloads',
] as const;
const worker = asOwner('worker');

let database: TestDatabase;
let stores: PostgresStores;
let pool: Pool;

beforeAll(async () => {
  database = await createDatabase();
  stores = await openPostgresStores(configFor(database.url), { sweepInterval: null });
  pool = createPool(configFor(database.url, { poolSize: 1 }));
});

afterAll(async () => {
  await pool.close();
  await stores.close();
  await database.drop();
});

beforeEach(async () => {
  await connected(database.adminUrl, async (sql) => {
    await sql.unsafe(`TRUNCATE ${TABLES.map((table) => `agent_graphql.${table}`).join(', ')}`);
  });
  for (const one of [alice, bob]) {
    const opened = stores.forRequest();
    const { threads, runs } = opened;
    const thread = valueOf(await threads.create(one, { metadata: { of: one } }));
    const assistant = await makeAssistant(opened, one, {});
    const input = { input: { of: one }, idempotencyKey: 'key' };
    valueOf(await runs.create(one, { threadId: thread.id, assistantId: assistant.id, ...input }));
  }
  const request = { name: 'worker', graphIds: ['graph'], max: 2, leaseSeconds: 30, waitSeconds: 0 };
  valueOf(await stores.forRequest().queue.claim(worker, { ...request, allOwners: true }));
});

/** Does something as the server's role, in a transaction that has named an owner, or nobody. */
async function as<T>(owner: string | null, work: (sql: postgres.TransactionSql) => Promise<T>): Promise<T> {
  const result = await connected(database.url, (sql) =>
    sql.begin(async (tx) => {
      if (owner !== null) await tx`SELECT set_config('agent_graphql.owner', ${owner}, true)`;
      return { done: await work(tx) };
    }),
  );
  return result.done;
}

/** All rows of all owners. */
async function everything(): Promise<string> {
  return connected(database.adminUrl, async (sql) => {
    const all = [];
    for (const table of TABLES)
      all.push([...(await sql.unsafe(`SELECT * FROM agent_graphql.${table} AS one ORDER BY one::text`))]);
    return JSON.stringify(all);
  });
}

async function errorOf(call: Promise<unknown>): Promise<string | null> {
  return call.then(
    () => null,
    (error: unknown) => (error instanceof postgres.PostgresError ? error.code : String(error)),
  );
}

const CLASH = 'f'.repeat(32);

describe('row-level security', () => {
  it('should hold for the role that the server has, which owns the tables and has no privileges', async () => {
    const rows = await connected(
      database.url,
      (
        sql,
      ) => sql`SELECT relname, relrowsecurity, relforcerowsecurity, pg_get_userbyid(relowner) = current_user AS mine,
          (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user) AS bypasses
        FROM pg_class WHERE relnamespace = 'agent_graphql'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
        ORDER BY relname COLLATE "C"`,
    );
    expect([...rows]).toStrictEqual(
      [...TABLES, 'migrations', 'secrets'].toSorted().map((relname) => {
        const guarded = TABLES.some((table) => table === relname);
        return {
          relname,
          relrowsecurity: guarded,
          relforcerowsecurity: guarded,
          mine: true,
          bypasses: false,
        };
      }),
    );
  });

  it.each(TABLES)(
    'should show and change nothing of %s to a statement that forgets the owner',
    async (table) => {
      const before = await everything();
      await as(null, async (tx) => {
        expect((await tx.unsafe(`SELECT * FROM agent_graphql.${table}`)).count).toBe(0);
        expect((await tx.unsafe(`UPDATE agent_graphql.${table} SET owner = owner`)).count).toBe(0);
        expect((await tx.unsafe(`DELETE FROM agent_graphql.${table}`)).count).toBe(0);
      });
      expect(await everything()).toBe(before);
    },
  );

  it.each(TABLES)('should show and change nothing of bob in %s where alice is named', async (table) => {
    const before = await everything();
    await as('alice', async (tx) => {
      const rows = await tx.unsafe(`SELECT owner FROM agent_graphql.${table}`);
      expect(new Set(rows.map(({ owner }) => String(owner)))).toStrictEqual(new Set(['alice']));
      expect(
        (await tx.unsafe(`UPDATE agent_graphql.${table} SET owner = owner WHERE owner = 'bob'`)).count,
      ).toBe(0);
      expect((await tx.unsafe(`DELETE FROM agent_graphql.${table} WHERE owner = 'bob'`)).count).toBe(0);
    });
    expect(await everything()).toBe(before);
    const given = `UPDATE agent_graphql.${table} SET owner = 'bob' WHERE owner = 'alice'`;
    expect(await errorOf(as('alice', (tx) => tx.unsafe(given)))).toBe('42501');
    expect(await everything()).toBe(before);
  });

  it.each([null, 'alice'])('should not let %s insert rows of bob', async (owner) => {
    const before = await everything();
    for (const insert of [
      `INSERT INTO agent_graphql.threads (owner, id, status, metadata, created_at, updated_at)
        VALUES ('bob', '${CLASH}', 'IDLE', '{}', now(), now())`,
      `INSERT INTO agent_graphql.assistants (owner, id, graph_id, name, folded_name, config, context, metadata, version,
        created_at, updated_at) VALUES ('bob', '${CLASH}', 'g', 'n', 'N', '{}', '{}', '{}', 1, now(), now())`,
      `INSERT INTO agent_graphql.runs (owner, id, thread_id, assistant_id, status, metadata, created_at, updated_at)
        VALUES ('bob', '${CLASH}', '${CLASH}', '${CLASH}', 'PENDING', '{}', now(), now())`,
      `INSERT INTO agent_graphql.changes (owner, id, changes) VALUES ('bob', '${CLASH}', '[]')`,
      `INSERT INTO agent_graphql.executions (owner, run_id, thread_id, graph_id, created_at, is_active, has_begun)
        VALUES ('bob', '${CLASH}', '${CLASH}', 'g', now(), true, false)`,
      `INSERT INTO agent_graphql.idempotency_keys (owner, resource, key, record_id, digest)
        VALUES ('bob', 'run', 'k', '${CLASH}', 'd')`,
      `INSERT INTO agent_graphql.run_events (owner, run_id, seq, attempt, type, data, at)
        VALUES ('bob', '${CLASH}', 1, 1, 't', '{}', now())`,
      `INSERT INTO agent_graphql.run_payloads (owner, run_id) VALUES ('bob', '${CLASH}')`,
    ]) {
      expect(await errorOf(as(owner, (tx) => tx.unsafe(insert)))).toBe('42501');
    }
    expect(await everything()).toBe(before);
  });

  it('should let a transaction that asks for everybody read, and write nothing', async () => {
    const before = await everything();
    await as(null, async (tx) => {
      await tx`SELECT set_config('agent_graphql.everybody', 'on', true)`;
      for (const table of TABLES) {
        const rows = await tx.unsafe(`SELECT owner FROM agent_graphql.${table}`);
        expect(new Set(rows.map(({ owner }) => String(owner)))).toStrictEqual(new Set(['alice', 'bob']));
        expect((await tx.unsafe(`UPDATE agent_graphql.${table} SET owner = owner`)).count).toBe(0);
        expect((await tx.unsafe(`DELETE FROM agent_graphql.${table}`)).count).toBe(0);
      }
    });
    expect(await everything()).toBe(before);
  });

  it('should let a transaction of a worker read and change the queue of all owners, and nothing else', async () => {
    const before = await everything();
    await as('alice', async (tx) => {
      await tx`SELECT set_config('agent_graphql.worker', 'on', true)`;
      for (const table of TABLES) {
        const rows = await tx.unsafe(`SELECT owner FROM agent_graphql.${table}`);
        const owners = new Set(rows.map(({ owner }) => String(owner)));
        expect(owners).toStrictEqual(new Set(table === 'executions' ? ['alice', 'bob'] : ['alice']));
        const updated = await tx.unsafe(
          `UPDATE agent_graphql.${table} SET owner = owner WHERE owner = 'bob'`,
        );
        expect(updated.count).toBe(table === 'executions' ? 1 : 0);
        expect((await tx.unsafe(`DELETE FROM agent_graphql.${table} WHERE owner = 'bob'`)).count).toBe(0);
      }
    });
    expect(await everything()).toBe(before);
    const insert = `INSERT INTO agent_graphql.executions (owner, run_id, thread_id, graph_id, created_at, is_active,
      has_begun) VALUES ('bob', '${CLASH}', '${CLASH}', 'g', now(), true, false)`;
    const inserted = as('alice', async (tx) => {
      await tx`SELECT set_config('agent_graphql.worker', 'on', true)`;
      await tx.unsafe(insert);
    });
    expect(await errorOf(inserted)).toBe('42501');
  });

  it('should guard the partitions of events, which are reached by their table alone', async () => {
    const partitions = await connected(
      database.adminUrl,
      (sql) => sql`SELECT inhrelid::regclass::text AS name FROM pg_inherits
        WHERE inhparent = 'agent_graphql.run_events'::regclass`,
    );
    expect(partitions.length).toBeGreaterThan(1);
    for (const { name } of partitions) {
      expect((await as('alice', (tx) => tx.unsafe(`SELECT FROM ${String(name)}`))).count).toBe(0);
      const insert = `INSERT INTO ${String(name)} (owner, run_id, seq, attempt, type, data, at)
        VALUES ('alice', '${CLASH}', 1, 1, 't', '{}', now())`;
      expect(await errorOf(as('alice', (tx) => tx.unsafe(insert)))).toBe('42501');
    }
  });

  it('should show nothing to the next user of a connection who forgets the owner, however the last one ended', async () => {
    const count = () =>
      pool.transaction('BEGIN', new AbortController().signal, async ({ sql, run }) => {
        const rows = await run(sql`SELECT id FROM agent_graphql.threads`);
        const [settings] =
          await run(sql`SELECT coalesce(current_setting('agent_graphql.owner', true), '') AS owner,
          coalesce(current_setting('agent_graphql.search', true), '') AS search, current_setting('enable_bitmapscan') AS bitmaps,
          current_setting('statement_timeout') AS timeout, current_setting('plan_cache_mode') AS plans`);
        return { count: rows.length, ...settings };
      });
    const nothing = { count: 0, owner: '', search: '', bitmaps: 'on', timeout: '0', plans: 'auto' };
    const db = { ...TEST_LIMITS, pool };
    const look = () =>
      runInTransaction(db, alice, ({ sql, run }) => run(sql`SELECT id FROM agent_graphql.threads`));
    expect(await count()).toStrictEqual(nothing);
    expect((await look()).length).toBe(1);
    expect(await count()).toStrictEqual(nothing);
    await errorOf(runInTransaction(db, alice, ({ sql, run }) => run(sql`SELECT 1 / 0`)));
    expect(await count()).toStrictEqual(nothing);
  });
});

describe('owners', () => {
  it('should each have a record of the same id, and see their own', async () => {
    await connected(database.adminUrl, async (sql) => {
      for (const owner of ['alice', 'bob']) {
        await sql`INSERT INTO agent_graphql.threads (owner, id, status, metadata, created_at, updated_at)
          VALUES (${owner}, ${CLASH}, 'IDLE', ${JSON.stringify({ owner, same: true })}::text::json, now(), now())`;
        await sql`INSERT INTO agent_graphql.assistants (owner, id, graph_id, name, folded_name, config, context, metadata,
            version, created_at, updated_at)
          VALUES (${owner}, ${CLASH}, ${owner}, 'n', 'N', '{}', '{}', ${JSON.stringify({ owner })}::text::json, 1, now(), now())`;
        await sql`INSERT INTO agent_graphql.runs (owner, id, thread_id, assistant_id, status, metadata, created_at, updated_at)
          VALUES (${owner}, ${CLASH}, ${CLASH}, ${CLASH}, 'PENDING', ${JSON.stringify({ owner })}::text::json, now(), now())`;
      }
    });
    const bobs = await everythingOf(stores.forRequest(), bob);
    for (const one of [alice, bob]) {
      const { threads, assistants, runs } = stores.forRequest();
      const metadata = { owner: one };
      expect(await threads.get(one, CLASH)).toMatchObject({ metadata });
      expect(await assistants.get(one, CLASH)).toMatchObject({ metadata, graphId: one });
      expect(await runs.get(one, CLASH)).toMatchObject({ metadata });
      expect(await threads.count(one, { metadata: { same: true } })).toBe(1);
      expect(await runs.count(one, { parent: { threadId: CLASH } })).toBe(1);
    }
    const { threads, runs, assistants } = stores.forRequest();
    valueOf(await runs.update(alice, CLASH, { status: 'ERROR' }));
    valueOf(await threads.delete(alice, CLASH));
    valueOf(await assistants.delete(alice, CLASH));
    expect(await everythingOf(stores.forRequest(), bob)).toStrictEqual(bobs);
  });

  it("should not be crossed by a run: another owner's thread is none, even to an administrator", async () => {
    const [thread] = (await everythingOf(stores.forRequest(), bob)).threads;
    const insert = connected(
      database.adminUrl,
      (
        sql,
      ) => sql`INSERT INTO agent_graphql.runs (owner, id, thread_id, assistant_id, status, metadata, created_at,
        updated_at) VALUES ('alice', ${CLASH}, ${thread?.id ?? ''}, ${CLASH}, 'PENDING', '{}', now(), now())`,
    );
    expect(await errorOf(insert)).toBe('23503');
  });

  it('should be told apart by the longest of names, in records as large as can be', async () => {
    const [x, y] = [asOwner(`${'😀'.repeat(254)}x`), asOwner('😀'.repeat(255))];
    const name = '😀'.repeat(256);
    // Hashes, since they cannot be compressed.
    const hashes = Array.from({ length: 1_000 }, (_, i) =>
      createHash('sha512').update(`${i}`).digest('base64'),
    );
    const big = { noise: hashes.join('').slice(0, 65_000) };
    for (const one of [x, y]) {
      const { assistants, threads, runs } = stores.forRequest();
      const assistant = valueOf(
        await assistants.create(one, { graphId: name, name, config: big, context: big, metadata: big }),
      );
      const thread = valueOf(await threads.create(one, { metadata: big }));
      const run = valueOf(
        await runs.create(one, { threadId: thread.id, assistantId: assistant.id, metadata: big }),
      );
      valueOf(await runs.update(one, run.id, { status: 'SUCCESS' }));
      expect(await assistants.list(one, { orderBy: { field: 'NAME', direction: 'ASC' } })).toMatchObject({
        items: [assistant],
      });
      expect(await threads.count(one, { metadata: big })).toBe(1);
      await stores.drainNotifications();
    }
    expect(await everythingOf(stores.forRequest(), y)).toMatchObject({ threads: [{ status: 'IDLE' }] });
  });
});

/** Whose changes there are, and what they are. */
async function keptChanges(): Promise<readonly string[]> {
  return connected(database.adminUrl, async (sql) => {
    const rows = await sql`SELECT owner || ' ' || changes AS row FROM agent_graphql.changes ORDER BY 1`;
    return rows.map(({ row }) => String(row));
  });
}

describe('the changes on their way', () => {
  it.each([
    ['the role of the server', ''],
    ['a role that row-level security is nothing to', 'BYPASSRLS'],
    ['a superuser', 'SUPERUSER'],
  ])('should be forgotten when they are old, and nothing else should: by %s', async (_, privilege) => {
    const role = new URL(database.url).username;
    await connected(database.adminUrl, async (sql) => {
      await sql`TRUNCATE agent_graphql.changes`;
      for (const owner of ['alice', 'bob', 'carol']) {
        // Those of 2 minutes become no old ones before the test ends, however slow the machine is.
        for (const minutes of owner === 'carol' ? [1] : [2, 6, 600]) {
          await sql`INSERT INTO agent_graphql.changes (owner, id, changes, at)
            VALUES (${owner}, gen_random_uuid(), ${`[${minutes}]`}::text::json, now() - ${minutes} * interval '1 minute')`;
        }
      }
      if (privilege !== '') await sql.unsafe(`ALTER ROLE ${role} ${privilege}`);
    });
    const own = createPool(configFor(database.url));
    try {
      await deleteOldChanges({ ...TEST_LIMITS, pool: own });
      expect(await keptChanges()).toStrictEqual(['alice [2]', 'bob [2]', 'carol [1]']);
      for (const one of [alice, bob]) {
        expect(await everythingOf(stores.forRequest(), one)).toMatchObject({
          threads: [{}],
          runs: [{}],
          assistants: [{}],
        });
      }
    } finally {
      await own.close();
      await connected(database.adminUrl, (sql) => sql.unsafe(`ALTER ROLE ${role} NOSUPERUSER NOBYPASSRLS`));
    }
  });
});
