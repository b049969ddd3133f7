import { ConfigError } from '../lib/config-error.ts';
import { withPool } from '../store/postgres/client/with-pool.ts';
import { migrate } from '../store/postgres/migrations/migrate.ts';
import { MIGRATIONS } from '../store/postgres/migrations/migrations.ts';
import type { Command } from './command.ts';
import { storageOf } from './storage-of.ts';

/** Migrates a database to the newest format. */
export const migrateDatabase: Command = {
  name: 'migrate',
  summary: 'Migrates the database of DATABASE_URL to the newest format, as the server does when it starts.',
  options: {},
  async run({ env }) {
    const { database } = storageOf(env);
    if (database === null)
      throw new ConfigError('DATABASE_URL must be set, to the database to bring up to date.');
    const applied = await withPool(database, (pool) =>
      migrate(pool, MIGRATIONS, (version) => process.stdout.write(`Applied migration ${version}.\n`)),
    );
    return applied.length === 0 ? 'The database is up to date.' : 'The database is now up to date.';
  },
};
