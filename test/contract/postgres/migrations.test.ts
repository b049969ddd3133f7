import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StoreError } from '../../../src/store/store-error.ts';
import { migrate } from '../../../src/store/postgres/migrations/migrate.ts';
import { type Migration, MIGRATIONS } from '../../../src/store/postgres/migrations/migrations.ts';
import { createPool } from '../../../src/store/postgres/client/pool.ts';
import { openPostgresStores } from '../../../src/store/postgres/stores.ts';
import { asOwner } from '../../../src/store/owner.ts';
import { connected } from '../../support/postgres/admin.ts';
import { createDatabase, type TestDatabase } from '../../support/postgres/database.ts';
import { NEWEST_FIRST } from '../../support/walk.ts';
import { valueOf } from '../../support/bench.ts';
import { configFor } from '../../support/postgres/config.ts';

const alice = asOwner('alice');
let database: TestDatabase;

beforeEach(async () => {
  database = await createDatabase();
});

afterEach(() => database.drop());

const last = MIGRATIONS.at(-1)?.version ?? 0;
const NEXT: Migration = {
  version: last + 1,
  sql: 'CREATE TABLE agent_graphql.more (id integer); CREATE TABLE agent_graphql.most (id integer);',
};
const BROKEN: Migration = {
  version: last + 2,
  sql: `CREATE TABLE agent_graphql.half (id integer);
    ALTER TABLE agent_graphql.more ADD COLUMN half integer;
    SELECT 1 / 0;`,
};

function open() {
  return openPostgresStores(configFor(database.url));
}

async function migrateTo(migrations: readonly Migration[]): Promise<readonly number[]> {
  const pool = createPool(configFor(database.url));
  try {
    return await migrate(pool, migrations);
  } finally {
    await pool.close();
  }
}

/** All columns of the schema, and the versions that were applied. */
async function format(): Promise<readonly string[]> {
  return connected(database.adminUrl, async (sql) => {
    const columns = await sql`SELECT table_name || '.' || column_name AS name FROM information_schema.columns
      WHERE table_schema = 'agent_graphql' ORDER BY 1`;
    const versions =
      await sql`SELECT 'version ' || version AS name FROM agent_graphql.migrations ORDER BY version`;
    return [...columns, ...versions].map(({ name }) => String(name));
  });
}

/** An id of one digit. */
function idOf(digit: number | string): string {
  return String(digit).repeat(32);
}

/** What a call is refused with. */
async function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => null,
    (error: unknown) => error,
  );
}

describe('the migrations', () => {
  it('should be numbered one after the other', () => {
    expect(MIGRATIONS.map(({ version }) => version)).toStrictEqual(MIGRATIONS.map((_, index) => index + 1));
  });

  it('should each be applied once, in their order, and none again', async () => {
    expect(await migrateTo(MIGRATIONS)).toStrictEqual(MIGRATIONS.map(({ version }) => version));
    expect(await migrateTo(MIGRATIONS)).toStrictEqual([]);
    expect(await migrateTo([...MIGRATIONS, NEXT])).toStrictEqual([NEXT.version]);
    expect(await format()).toContain(`version ${NEXT.version}`);
  });

  it('should be applied once by ten servers that start at once on nothing, who then share all', async () => {
    const servers = await Promise.all(Array.from({ length: 10 }, open));
    try {
      const made = await Promise.all(
        servers.map(async ({ forRequest }) => valueOf(await forRequest().threads.create(alice, {}))),
      );
      let after: string | null = null;
      const seen: string[] = [];
      // A cursor that one of them made is good for the next one.
      for (const { forRequest } of servers) {
        const page = await forRequest().threads.list(alice, { orderBy: NEWEST_FIRST, first: 1, after });
        for (const item of page.items) {
          seen.push(item.id);
          after = page.cursorOf(item);
        }
      }
      expect(seen.toSorted()).toStrictEqual(made.map(({ id }) => id).toSorted());
      const versions = (await format()).filter((name) => name.startsWith('version '));
      expect(versions).toStrictEqual(MIGRATIONS.map(({ version }) => `version ${version}`));
    } finally {
      await Promise.all(servers.map(async ({ close }) => close()));
    }
  });

  it('should be applied by one of several pools that are all a version behind', async () => {
    await migrateTo(MIGRATIONS);
    const applied = await Promise.all(Array.from({ length: 5 }, () => migrateTo([...MIGRATIONS, NEXT])));
    expect(applied.flat()).toStrictEqual([NEXT.version]);
  });

  it('should leave nothing of one that fails, and all of those before it', async () => {
    await migrateTo(MIGRATIONS);
    const failure = await failureOf(migrateTo([...MIGRATIONS, NEXT, BROKEN]));
    expect(failure).toMatchObject({ message: 'division by zero' });
    const left = await format();
    expect(left).toStrictEqual(expect.arrayContaining(['more.id', 'most.id', `version ${NEXT.version}`]));
    expect(left).not.toContain('more.half');
    expect(left).not.toContain('half.id');
    expect(left).not.toContain(`version ${BROKEN.version}`);
    // Nobody holds the lock any more.
    const mended = { ...BROKEN, sql: BROKEN.sql.replace('1 / 0', '1') };
    expect(await migrateTo([...MIGRATIONS, NEXT, mended])).toStrictEqual([BROKEN.version]);
  });

  it('should leave nothing at all when the first one fails', async () => {
    await failureOf(migrateTo([{ ...BROKEN, version: 1 }]));
    const schemas = await connected(
      database.adminUrl,
      (sql) => sql`SELECT FROM pg_namespace WHERE nspname = 'agent_graphql'`,
    );
    expect(schemas.count).toBe(0);
  });

  it('should take over the runs of version 1, and queue those that are active', async () => {
    await migrateTo(MIGRATIONS.slice(0, 1));
    await connected(database.adminUrl, (sql) =>
      sql.unsafe(`
        INSERT INTO agent_graphql.assistants (owner, id, graph_id, name, folded_name, config, context, metadata, version,
          created_at, updated_at)
        SELECT owner, '${idOf('a')}', 'graph', 'n', 'N', '{}', '{}', json_build_object('owner', owner), 1, now(), now()
        FROM unnest(ARRAY['alice', 'bob']) AS owner;
        INSERT INTO agent_graphql.threads (owner, id, status, metadata, created_at, updated_at)
        SELECT owner, thread::uuid, 'BUSY', json_build_object('owner', owner), now(), now()
        FROM unnest(ARRAY['alice', 'bob']) AS owner, unnest(ARRAY['${idOf('b')}', '${idOf('c')}']) AS thread;
        INSERT INTO agent_graphql.runs (owner, id, thread_id, assistant_id, status, ended, metadata, created_at, updated_at)
        SELECT owner, (repeat(run, 32))::uuid, (repeat(thread, 32))::uuid, '${idOf('a')}', status, ended,
          json_build_object('owner', owner), '2026-01-01T00:00:00Z'::timestamptz + run::integer * interval '1 s',
          '2026-01-02T00:00:00Z'
        FROM unnest(ARRAY['alice', 'bob']) AS owner, (VALUES ('1', 'b', 'PENDING', NULL::bigint),
          ('2', 'b', 'PENDING', NULL), ('3', 'c', 'PENDING', NULL), ('4', 'c', 'RUNNING', NULL), ('5', 'c', 'ERROR', 1))
          AS runs (run, thread, status, ended)`),
    );
    const stores = await open();
    try {
      const { runs, threads, queue } = stores.forRequest();
      const unchanged = {
        hasInput: false,
        hasOutput: false,
        hasCheckpoint: false,
        error: null,
        interrupt: null,
        resumes: null,
        multitaskStrategy: 'ENQUEUE',
        attempt: 0,
        maxAttempts: 3,
        timeoutSeconds: null,
        assistantVersion: null,
        worker: null,
        cancelRequestedAt: null,
      };
      const times = { availableAt: null, startedAt: null, finishedAt: null };
      const at = '2026-01-02T00:00:00.000Z';
      expect(await runs.getMany(alice, [1, 2, 3, 4, 5].map(idOf))).toMatchObject([
        { ...unchanged, ...times, availableAt: '2026-01-01T00:00:01.000Z' },
        { ...unchanged, ...times, availableAt: '2026-01-01T00:00:02.000Z' },
        { ...unchanged, ...times, availableAt: '2026-01-01T00:00:03.000Z' },
        { ...unchanged, ...times, startedAt: at },
        { ...unchanged, ...times, finishedAt: at },
      ]);
      expect(await threads.get(alice, idOf('b'))).toMatchObject({ valuesRunId: null });
      const request = { name: 'w', graphIds: ['graph'], max: 10, leaseSeconds: 30, waitSeconds: 0 };
      const claims = valueOf(await queue.claim(alice, { ...request, allOwners: true }));
      expect(claims.map(({ owner, run }) => [owner, run.id])).toStrictEqual([
        ['alice', idOf(1)],
        ['bob', idOf(1)],
      ]);
      // Who moved it ends it, and the next one may be taken.
      valueOf(await runs.update(alice, idOf(4), { status: 'SUCCESS' }));
      const next = valueOf(await queue.claim(alice, { ...request, allOwners: true }));
      expect(next.map(({ owner, run }) => [owner, run.id])).toStrictEqual([['alice', idOf(3)]]);
      valueOf(await runs.update(alice, idOf(5), { metadata: { touched: true } }));
      valueOf(await runs.delete(alice, idOf(5)));
      const rows = await connected(
        database.url,
        (sql) => sql`SELECT relname FROM pg_class WHERE relnamespace = 'agent_graphql'::regnamespace
          AND relkind IN ('r', 'p') AND NOT relforcerowsecurity ORDER BY relname`,
      );
      expect(rows.map(({ relname }) => String(relname))).toStrictEqual(['migrations', 'secrets']);
    } finally {
      await stores.close();
    }
  });

  it('should refuse a database that a newer version has written, in one line, and leave it alone', async () => {
    await migrateTo([...MIGRATIONS, NEXT]);
    const before = await format();
    const failure = await failureOf(open());
    expect(failure).toBeInstanceOf(StoreError);
    expect(failure).toMatchObject({
      message: `DATABASE_URL names a database of format ${NEXT.version}, and this version of agent-graphql knows formats up to ${last}: start the newer version.`,
    });
    expect(await format()).toStrictEqual(before);
  });

  it('should be refused in one line to a role that may create nothing', async () => {
    await connected(database.adminUrl, async (sql) => {
      const role = new URL(database.url).username;
      await sql.unsafe(`REVOKE CREATE ON DATABASE ${role} FROM ${role}`);
    });
    const failure = await failureOf(open());
    expect(failure).toBeInstanceOf(StoreError);
    expect(String(failure)).toMatch(/^[^\n]*permission denied for database[^\n]*$/);
  });
});
