import { defineConfig } from 'vitest/config';
import { project } from './test/support/vitest-project.ts';

/** `npm test`: what is deterministic, and quick enough to run at each change. */
export default defineConfig({
  test: {
    // Processes and PostgreSQL wait more than they work.
    maxWorkers: 2,
    globalSetup: 'test/support/postgres/global-setup.ts',
    projects: [project('main', 'memory', ['test/{api,contract,http,process,support,unit}/**/*.test.ts'])],
  },
});
