import { defineConfig } from 'vitest/config';
import { project } from './test/support/vitest-project.ts';

/** `npm run test:deep`: what takes long, and what kills processes, cuts networks or loads a server. */
export default defineConfig({
  test: {
    // Processes and PostgreSQL wait more than they work.
    maxWorkers: 2,
    globalSetup: 'test/support/postgres/global-setup.ts',
    projects: [
      project('deep', 'memory', ['test/deep/**/*.test.ts']),
      // The tests of the API run once for each kind of stores.
      project('api-on-disk', 'disk', ['test/api/**/*.test.ts']),
      project('api-on-postgres', 'postgres', ['test/api/**/*.test.ts']),
    ],
  },
});
