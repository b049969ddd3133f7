import { fileURLToPath } from 'node:url';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import type { StoreKind } from './test/support/stores.ts';

export default defineConfig({
  test: {
    // Processes and PostgreSQL wait more than they work.
    maxWorkers: 2,
    globalSetup: 'test/support/postgres/global-setup.ts',
    // The tests of the API run once for each kind of stores; all others once.
    projects: [
      project('main', 'memory', 'test/**/*.test.ts'),
      project('api-on-disk', 'disk', 'test/api/*.test.ts'),
      project('api-on-postgres', 'postgres', 'test/api/*.test.ts'),
    ],
  },
});

function project(name: string, storeKind: StoreKind, include: string): TestProjectInlineConfiguration {
  return {
    resolve: {
      // One copy of graphql: its CommonJS and ES builds refuse each other's types.
      alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) }],
    },
    test: {
      name,
      include: [include],
      provide: { storeKind },
      pool: 'threads',
      isolate: false,
      // For what hangs, on the slowest machine: no test is about how fast that is.
      testTimeout: 30_000,
      // CommonJS default exports as Node.js gives them, not unwrapped.
      deps: { interopDefault: false },
    },
  };
}
