import { withPool } from '../../../src/store/postgres/client/with-pool.ts';
import { migrate } from '../../../src/store/postgres/migrations/migrate.ts';
import { configFor } from './config.ts';
import { createDatabase } from './database.ts';

/**
 * Creates a database that others are copied from: all migrations are applied, and no server has opened it.
 * @returns its URL, as a role of its own, which owns the tables
 */
export async function createTemplate(server: string, prefix: string): Promise<string> {
  const { url } = await createDatabase(server, { prefix });
  await withPool(configFor(url, { statementTimeout: 30_000, connectTimeout: 30_000 }), migrate);
  return url;
}
