import { ConfigError } from '../lib/config-error.ts';
import { withPool } from '../store/postgres/client/with-pool.ts';
import { migrate } from '../store/postgres/migrations/migrate.ts';
import { runCommand } from './run-command.ts';

/** `npm run migrate`: migrates a database to the newest format, as the server does when it starts. */
await runCommand(async ({ database }) => {
  if (database === null)
    throw new ConfigError('DATABASE_URL must be set, to the database to bring up to date.');
  const applied = await withPool(database, (pool) => migrate(pool));
  for (const version of applied) process.stdout.write(`Applied migration ${version}.\n`);
  return applied.length === 0 ? 'The database is up to date.' : 'The database is now up to date.';
});
