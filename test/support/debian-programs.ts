import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DOWNLOAD_TIMEOUT, stderrOf } from './failed-command.ts';
import { withLock } from './file-lock.ts';

/** Programs that no package of npm brings, and the packages of Debian that do. */
const PACKAGES = { pgbouncer: 'pgbouncer', nginx: 'nginx-light', caddy: 'caddy' } as const;

/** A program of Debian that tests use. */
export type DebianProgram = keyof typeof PACKAGES;

/** A program's path, or why there is none. */
export type Found = { readonly path: string } | { readonly missing: string };

const FOLDER = fileURLToPath(new URL('../binaries/debian/', import.meta.url));
/** Where Debian puts programs; not everybody's PATH has all of them. */
const FOLDERS = ['/usr/sbin', '/usr/bin'];

let unpacked: Promise<string | null> | undefined;

/**
 * A program of this machine. Where it is not installed and the machine is a Debian with its package servers in reach, the
 * packages are downloaded by `apt-get`, which checks their signatures, and unpacked in a folder of the project: that needs
 * no root, and changes nothing of the system.
 */
export async function findDebianProgram(name: DebianProgram): Promise<Found> {
  const { PATH = '' } = process.env;
  const folders = [...PATH.split(delimiter).filter((folder) => folder !== ''), ...FOLDERS];
  const own = folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
  if (own !== undefined) return { path: own };
  try {
    unpacked ??= unpackPackages();
    const folder = await unpacked;
    if (folder === null) return { missing: `${name} is not installed, and this machine has no apt-get` };
    const path = join(folder, 'bin', name);
    return existsSync(path) ? { path } : { missing: `${name} is not installed, and not in its package` };
  } catch (error) {
    return {
      missing: `${name} is not installed, and could not be downloaded: ${stderrOf(error).slice(0, 200)}`,
    };
  }
}

/** Unpacks the packages of all programs at the first call, of any process. @returns the folder; null without apt-get */
async function unpackPackages(): Promise<string | null> {
  if (!existsSync('/usr/bin/apt-get') || !existsSync('/usr/bin/dpkg-deb')) return null;
  const installed = join(FOLDER, 'installed');
  const folder = join(installed, Object.keys(PACKAGES).join('-'));
  await mkdir(installed, { recursive: true });
  return withLock(join(installed, 'lock'), async () => {
    if (!existsSync(folder)) await unpack(join(installed, 'draft'), folder);
    return folder;
  });
}

async function unpack(draft: string, folder: string): Promise<void> {
  await rm(draft, { recursive: true, force: true });
  const archives = join(draft, 'cache/archives');
  for (const path of ['lists/partial', 'cache/archives/partial', 'root', 'bin'])
    await mkdir(join(draft, path), { recursive: true });
  const settings = {
    'Dir::State::lists': join(draft, 'lists'),
    'Dir::Cache': join(draft, 'cache'),
    // They are the draft's, which has a lock.
    'Debug::NoLocking': 'true',
    'APT::Sandbox::User': 'root',
    'Acquire::Retries': '0',
    'Acquire::http::Timeout': '15',
    'Acquire::Languages': 'none',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const apt = (...args: readonly string[]) =>
    promisify(execFile)('apt-get', [...options, '-qq', ...args], { timeout: DOWNLOAD_TIMEOUT });
  await apt('update');
  await apt('--download-only', '-y', '--no-install-recommends', 'install', ...Object.values(PACKAGES));
  for (const name of await readdir(archives))
    if (name.endsWith('.deb'))
      await promisify(execFile)('dpkg-deb', ['-x', join(archives, name), join(draft, 'root')]);
  for (const name of Object.keys(PACKAGES)) await writeLauncher(draft, folder, name);
  for (const path of ['lists', 'cache']) await rm(join(draft, path), { recursive: true });
  await rename(draft, folder);
}

/** Writes what starts an unpacked program with the libraries that were unpacked beside it. */
async function writeLauncher(draft: string, folder: string, name: string): Promise<void> {
  const path = ['usr/sbin', 'usr/bin']
    .map((part) => join('root', part, name))
    .find((part) => existsSync(join(draft, part)));
  if (path === undefined) return;
  const libraries = (await readdir(join(draft, 'root/usr/lib'))).filter((part) =>
    part.endsWith('-linux-gnu'),
  );
  const folders = libraries.map((part) => join(folder, 'root/usr/lib', part)).join(delimiter);
  const launcher = join(draft, 'bin', name);
  await writeFile(launcher, `#!/bin/sh\nLD_LIBRARY_PATH='${folders}' exec '${join(folder, path)}' "$@"\n`);
  await chmod(launcher, 0o755);
}
