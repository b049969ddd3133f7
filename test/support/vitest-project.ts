import { fileURLToPath } from 'node:url';
import type { ProvidedContext } from 'vitest';
import type { TestProjectInlineConfiguration } from 'vitest/config';

/**
 * A vitest project: test files that are given the same values.
 * @param include globs of the test files, from the project's root
 * @param provide what its tests inject, besides what global setups provide
 */
export function project(
  name: string,
  include: readonly string[],
  provide: Partial<ProvidedContext> & Pick<ProvidedContext, 'hangLimit'>,
): TestProjectInlineConfiguration {
  return {
    resolve: {
      // One copy of graphql: its CommonJS and ES builds refuse each other's types.
      alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) }],
    },
    test: {
      name,
      include: [...include],
      provide,
      setupFiles: 'test/support/random-setup.ts',
      pool: 'threads',
      isolate: false,
      testTimeout: provide.hangLimit,
      hookTimeout: provide.hangLimit,
      // CommonJS default exports as Node.js gives them, not unwrapped.
      deps: { interopDefault: false },
    },
  };
}
