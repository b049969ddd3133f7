import { fileURLToPath } from 'node:url';
import { testWorkerLibrary } from './scenarios.ts';

const WORKER = fileURLToPath(new URL('typescript-worker.mjs', import.meta.url));

testWorkerLibrary({
  name: 'for TypeScript',
  start: (project, env) => project.start(process.execPath, [WORKER], env),
});
