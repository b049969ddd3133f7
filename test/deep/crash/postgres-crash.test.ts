import { createDatabase } from '../../support/postgres/database.ts';
import { testCrashes } from './crash.ts';

testCrashes('PostgreSQL', async () => {
  const { url, drop } = await createDatabase();
  return { env: { DATABASE_URL: url }, remove: drop };
});
