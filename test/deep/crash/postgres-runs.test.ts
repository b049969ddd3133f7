import { createDatabase } from '../../support/postgres/database.ts';
import { testRunCrashes } from './run-crash.ts';

testRunCrashes('PostgreSQL', 10, async () => {
  const { url, drop } = await createDatabase();
  return { env: { DATABASE_URL: url }, remove: drop };
});
