import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { WorkerLibrary } from './library.ts';

const SCENARIO_WORKER = fileURLToPath(new URL('scenario_worker.py', import.meta.url));
const CHECK = 'import sys; assert sys.version_info >= (3, 10)';

/** The interpreter of the workers in Python. */
export const PYTHON = process.env['PYTHON'] ?? 'python3';

/** The library for Python. */
export const PYTHON_LIBRARY: WorkerLibrary = {
  name: 'for Python',
  missing: spawnSync(PYTHON, ['-c', CHECK]).status === 0 ? null : ', which needs python3 3.10 or later',
  // Without files of compiled modules beside the source.
  start: (project, env) => project.start(PYTHON, ['-B', SCENARIO_WORKER], env),
};
