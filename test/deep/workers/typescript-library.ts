import { fileURLToPath } from 'node:url';
import type { WorkerLibrary } from './library.ts';

const WORKER = fileURLToPath(new URL('typescript-worker.mjs', import.meta.url));

/** The library for TypeScript. */
export const TYPESCRIPT: WorkerLibrary = {
  name: 'for TypeScript',
  missing: null,
  start: (project, env) => project.start(process.execPath, [WORKER], env),
};
