import { defineConfig } from 'vitest/config';
import { HANG_LIMIT } from './test/support/hang-limit.ts';
import { project } from './test/support/vitest-project.ts';

/** `npm test`: what is deterministic, and quick enough to run at each change. */
export default defineConfig({
  test: {
    // Processes and PostgreSQL wait more than they work.
    maxWorkers: 2,
    globalSetup: 'test/support/global-setup.ts',
    coverage: { include: ['src/**'], reporter: ['text-summary', 'html'] },
    projects: [
      project('main', ['test/{api,contract,http,process,support,unit}/**/*.test.ts'], {
        storeKind: 'memory',
        hangLimit: HANG_LIMIT,
        seed: 1,
        cases: 'some',
      }),
    ],
  },
});
