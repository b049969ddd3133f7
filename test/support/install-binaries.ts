import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { stderrOf } from './failed-command.ts';
import { withLock } from './file-lock.ts';

/** What `test/binaries` has packages for. */
export type Binaries = 'chromium' | PostgresBinaries;

/** The packages of PostgreSQL: of the oldest supported version, and of the newest. */
export type PostgresBinaries = 'postgres' | 'postgres-18';

const FOLDER = fileURLToPath(new URL('../binaries/', import.meta.url));
const FILES = ['package.json', 'package-lock.json'];

/** The packages could not be installed. */
export class InstallError extends Error {
  override readonly name = 'InstallError';
}

const folders = new Map<Binaries, Promise<string>>();

/** {@link installBinaries}, called once by each thread: one that waits takes a thread of Node.js's small pool. */
export function binariesFolder(name: Binaries): Promise<string> {
  const folder = folders.get(name) ?? installBinaries(name);
  folders.set(name, folder);
  return folder;
}

/**
 * Installs the packages with programs that only tests need, at the first call for their versions. Calls at the same time,
 * of any process, install them once.
 * @returns the folder that has them in its `node_modules`
 * @throws InstallError with what npm said
 */
export async function installBinaries(name: Binaries, from = FOLDER): Promise<string> {
  const source = join(from, name);
  const lockfile = await readFile(join(source, 'package-lock.json'));
  const version = createHash('sha256').update(lockfile).digest('hex').slice(0, 16);
  const installed = join(source, 'installed');
  const folder = join(installed, version);
  if (existsSync(folder)) return folder;
  await mkdir(installed, { recursive: true });
  return withLock(join(installed, 'lock'), async () => {
    if (!existsSync(folder)) await install(source, join(installed, 'draft'), folder);
    return folder;
  });
}

/** Installs into a draft, which gets its name when it is whole. One that was left behind is replaced. */
async function install(source: string, draft: string, folder: string): Promise<void> {
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft);
  for (const file of FILES) await copyFile(join(source, file), join(draft, file));
  try {
    // Nothing but errors is printed.
    await promisify(execFile)('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: draft });
  } catch (error) {
    throw new InstallError(
      `\`npm ci\` in ${source} failed: ${stderrOf(error).slice(-500).replaceAll(/\s+/g, ' ')}`,
      { cause: error },
    );
  }
  await rename(draft, folder);
}
