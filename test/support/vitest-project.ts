import { fileURLToPath } from 'node:url';
import type { TestProjectInlineConfiguration } from 'vitest/config';
import type { StoreKind } from './stores.ts';

/**
 * A vitest project: test files that run on one kind of stores.
 * @param include globs of the test files, from the project's root
 */
export function project(
  name: string,
  storeKind: StoreKind,
  include: readonly string[],
): TestProjectInlineConfiguration {
  return {
    resolve: {
      // One copy of graphql: its CommonJS and ES builds refuse each other's types.
      alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) }],
    },
    test: {
      name,
      include: [...include],
      provide: { storeKind },
      pool: 'threads',
      isolate: false,
      // For a test that hangs. No test depends on how fast the machine is.
      testTimeout: 120_000,
      hookTimeout: 120_000,
      // CommonJS default exports as Node.js gives them, not unwrapped.
      deps: { interopDefault: false },
    },
  };
}
