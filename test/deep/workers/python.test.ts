import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { testWorkerLibrary } from './scenarios.ts';

const SCENARIO_WORKER = fileURLToPath(new URL('scenario_worker.py', import.meta.url));
const PYTHON = process.env['PYTHON'] ?? 'python3';

const check = 'import sys; assert sys.version_info >= (3, 10)';
const hasPython = spawnSync(PYTHON, ['-c', check]).status === 0;

testWorkerLibrary({
  name: 'for Python',
  missing: hasPython ? null : 'needs python3 3.10 or later',
  // Without files of compiled modules beside the source.
  start: (project, env) => project.start(PYTHON, ['-B', SCENARIO_WORKER], env),
});
