import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: {
    // One copy of graphql: its CommonJS and ES builds refuse each other's types.
    alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) }],
  },
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'threads',
    isolate: false,
    // CommonJS default exports as Node.js gives them, not unwrapped.
    deps: { interopDefault: false },
  },
});
