import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DOWNLOAD_TIMEOUT, stderrOf } from '../../support/failed-command.ts';
import { withLock } from '../../support/file-lock.ts';
import { PYTHON } from './python-library.ts';

/** A Python with LangGraph, or why there is none. */
export type PythonWithLangGraph = { readonly python: string } | { readonly missing: string };

const FOLDER = fileURLToPath(new URL('../../binaries/langgraph-python/', import.meta.url));
const REQUIREMENTS = join(FOLDER, 'requirements.txt');
const CHECK = 'import sys, langgraph.graph; assert sys.version_info >= (3, 10)';
/** An unreachable package server fails at once. */
const PIP = [
  '-m',
  'pip',
  'install',
  '--quiet',
  '--disable-pip-version-check',
  '--retries',
  '0',
  '--timeout',
  '15',
];

/**
 * The Python of this machine, or the one that `PYTHON` names, where it has LangGraph; else a virtual environment of it, in
 * which the versions of `test/binaries/langgraph-python` are installed at the first call of any process.
 */
export async function findPythonWithLangGraph(): Promise<PythonWithLangGraph> {
  if (await imports(PYTHON)) return { python: PYTHON };
  const installed = join(FOLDER, 'installed');
  await mkdir(installed, { recursive: true });
  return withLock(join(installed, 'lock'), async () => {
    const version = createHash('sha256')
      .update(await readFile(REQUIREMENTS))
      .digest('hex')
      .slice(0, 16);
    const folder = join(installed, version);
    const python = join(folder, 'bin/python');
    const whole = join(folder, 'whole');
    if (existsSync(whole)) return { python };
    await rm(folder, { recursive: true, force: true });
    try {
      await promisify(execFile)(PYTHON, ['-m', 'venv', folder]);
      await promisify(execFile)(python, [...PIP, '-r', REQUIREMENTS], { timeout: DOWNLOAD_TIMEOUT });
      await promisify(execFile)(python, ['-c', CHECK]);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      const lines = stderrOf(error).split('\n');
      return { missing: `langgraph cannot be installed for ${PYTHON}: ${lines.at(-1)}` };
    }
    await writeFile(whole, '');
    return { python };
  });
}

async function imports(python: string): Promise<boolean> {
  return promisify(execFile)(python, ['-c', CHECK]).then(
    () => true,
    () => false,
  );
}
