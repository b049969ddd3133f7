import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { InstallError, installBinaries } from './install-binaries.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'agent-graphql-binaries-'));
  onTestFinished(() => rm(folder, { recursive: true }));
});

/** Writes a package whose installation leaves a line in a file. */
async function writePackage(version: string, script = 'echo installed >> ../../count'): Promise<void> {
  const source = join(folder, 'postgres');
  await mkdir(source, { recursive: true });
  const own = { name: 'binaries', version, private: true };
  await writeFile(join(source, 'package.json'), JSON.stringify({ ...own, scripts: { install: script } }));
  const lock = { ...own, lockfileVersion: 3, packages: { '': { name: 'binaries', version } } };
  await writeFile(join(source, 'package-lock.json'), JSON.stringify(lock));
}

const count = async () =>
  (await readFile(join(folder, 'postgres', 'count'), 'utf8')).trim().split('\n').length;

describe('binaries of tests', () => {
  it('should be installed once, by however many ask for them at once', async () => {
    await writePackage('1.0.0');
    const folders = await Promise.all([1, 2, 3].map(() => installBinaries('postgres', folder)));
    expect(new Set(folders).size).toBe(1);
    expect(existsSync(join(folders[0] ?? '', 'package.json'))).toBe(true);
    await installBinaries('postgres', folder);
    expect(await count()).toBe(1);
  });

  it('should be installed again for another lockfile', async () => {
    await writePackage('1.0.0');
    const first = await installBinaries('postgres', folder);
    await writePackage('1.0.1');
    expect(await installBinaries('postgres', folder)).not.toBe(first);
    expect(await count()).toBe(2);
  });

  it('should not be taken for installed where that failed', async () => {
    await writePackage('1.0.0', 'echo the disk is full >&2; exit 1');
    await expect(installBinaries('postgres', folder)).rejects.toThrow(InstallError);
    await expect(installBinaries('postgres', folder)).rejects.toThrow(/npm ci.*the disk is full/);
    expect(await readdir(join(folder, 'postgres', 'installed'))).toEqual(['draft', 'lock']);
    await writePackage('1.0.0');
    expect(existsSync(await installBinaries('postgres', folder))).toBe(true);
  });
});
