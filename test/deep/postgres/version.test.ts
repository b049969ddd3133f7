import { expect, inject, it } from 'vitest';
import { connected } from '../../support/postgres/admin.ts';
import { createMigratedDatabase } from '../../support/postgres/database.ts';

it('should be the version that the tests are for', async () => {
  const database = await createMigratedDatabase();
  const [row] = await connected(database.url, (sql) => sql`SHOW server_version_num`.values());
  await database.drop();
  const major = Math.floor(Number(row?.[0]) / 10_000);
  const wanted: 18 | undefined = inject('postgresVersion');
  expect(major).toBe(wanted ?? Math.max(major, 15));
});
