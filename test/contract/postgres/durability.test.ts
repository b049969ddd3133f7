import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createPool, type Pool } from '../../../src/store/postgres/client/pool.ts';
import { connected } from '../../support/postgres/admin.ts';
import { createDatabase, type TestDatabase } from '../../support/postgres/database.ts';
import { configFor } from '../../support/postgres/config.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
});

afterAll(() => database.drop());

/** A pool of one connection, of a role that has a setting of its own. */
async function openPool(synchronousCommit: string): Promise<Pool> {
  const role = new URL(database.url).username;
  await connected(database.adminUrl, (sql) =>
    sql.unsafe(`ALTER ROLE ${role} SET synchronous_commit = ${synchronousCommit}`),
  );
  const pool = createPool(configFor(database.url, { poolSize: 1 }));
  onTestFinished(() => pool.close());
  return pool;
}

/** The one value that a transaction answers. @param expression of SQL */
async function valueOf(pool: Pool, expression: string): Promise<string> {
  const [row] = await pool.transaction('BEGIN', new AbortController().signal, ({ sql, run }) =>
    run(sql.unsafe<{ value: string }[]>(`SELECT ${expression} AS value`)),
  );
  return row?.value ?? '';
}

describe('a commit in PostgreSQL', () => {
  it('should end when it is on disk, also where the role would not wait for that', async () => {
    const pool = await openPool('off');
    await connected(database.adminUrl, async (sql) => {
      for (let round = 0; round < 20; round++) {
        const written = await valueOf(pool, `pg_logical_emit_message(true, '', '')`);
        const [answer] =
          await sql`SELECT pg_current_wal_flush_lsn() >= ${written}::text::pg_lsn AS "isFlushed"`;
        expect(answer).toEqual({ isFlushed: true });
      }
    });
  });

  it.each(['local', 'remote_write', 'on', 'remote_apply'])(
    'should wait for what the role wants, which waits for the disk: %s',
    async (setting) => {
      const pool = await openPool(setting);
      expect(await valueOf(pool, `current_setting('synchronous_commit')`)).toBe(setting);
    },
  );
});
