import { fileURLToPath } from 'node:url';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import type { StoreKind } from './test/support/stores.ts';

export default defineConfig({
  test: {
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
      // A test may make many APIs, and a database takes its time where memory takes none.
      testTimeout: storeKind === 'memory' ? 5_000 : 30_000,
      // CommonJS default exports as Node.js gives them, not unwrapped.
      deps: { interopDefault: false },
    },
  };
}
