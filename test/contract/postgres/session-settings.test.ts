import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createPool } from '../../../src/store/postgres/client/pool.ts';
import { connected } from '../../support/postgres/admin.ts';
import { configFor } from '../../support/postgres/config.ts';
import { createDatabase, type TestDatabase } from '../../support/postgres/database.ts';
import { expectAllWorks, HOSTILE_SCHEMA, HOSTILE_SETTINGS, setRole } from './hostile-settings.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
  await connected(database.adminUrl, (sql) => sql.unsafe(HOSTILE_SCHEMA));
});

afterAll(() => database.drop());

/** The value of a setting in a session of the server. */
async function settingOf(name: string): Promise<string | undefined> {
  const pool = createPool(configFor(database.url));
  onTestFinished(() => pool.close());
  const [row] = await pool.transaction('BEGIN', new AbortController().signal, ({ sql, run }) =>
    run(sql<{ value: string }[]>`SELECT current_setting(${name}) AS value`),
  );
  return row?.value;
}

describe('settings of the role', () => {
  it.for(HOSTILE_SETTINGS)('should change nothing: %s = %s', async ([name, hostile, pinned]) => {
    await setRole(database, [[name, hostile]]);
    await expectAllWorks(database);
    expect(await settingOf(name)).toBe(pinned);
  });

  it('should change nothing: transaction_timeout, since version 17', async ({ skip }) => {
    const known = await connected(
      database.adminUrl,
      (sql) => sql`SELECT FROM pg_settings WHERE name = 'transaction_timeout'`,
    );
    skip(known.count === 0, 'this version has none');
    await setRole(database, [['transaction_timeout', '10s']]);
    await expectAllWorks(database);
    expect(await settingOf('transaction_timeout')).toBe('0');
  });

  it('should change nothing in a migration either, all at once', async () => {
    await connected(database.adminUrl, (sql) => sql`DROP SCHEMA agent_graphql CASCADE`);
    await setRole(database, HOSTILE_SETTINGS);
    await expect(expectAllWorks(database)).resolves.toBeUndefined();
  });
});
