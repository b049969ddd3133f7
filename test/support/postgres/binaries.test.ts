import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { copyNative, findBinaries, type Lookup, NoPostgres } from './binaries.ts';

const VERSIONS: Readonly<Record<string, number>> = { '/14': 14, '/15': 15, '/17': 17, '/packages': 15 };

function lookup(machine: readonly string[], embedded: string | null = null): Lookup {
  return {
    machine: async () => machine,
    embedded: async () => embedded,
    versionOf: async (folder) => VERSIONS[folder] ?? null,
  };
}

describe("PostgreSQL's programs", () => {
  it.each([
    ['the first of the machine', lookup(['/17', '/15'], '/packages'), 'anywhere', '/17'],
    ['the first that runs and is new enough', lookup(['/none', '/14', '/15']), 'anywhere', '/15'],
    ['those of the packages', lookup(['/none', '/14'], '/packages'), 'anywhere', '/packages'],
    ['those of the packages when told so', lookup(['/17'], '/packages'), 'embedded', '/packages'],
  ] as const)('should be %s', async (_, from, where, expected) => {
    expect(await findBinaries(from, where)).toBe(expected);
  });

  it.each([
    ['nothing is there', lookup([]), 'anywhere'],
    ['what is there is too old', lookup(['/14']), 'anywhere'],
    ['the machine has none and has to', lookup([], '/packages'), 'machine'],
    ['the packages have none and have to', lookup(['/17']), 'embedded'],
  ] as const)('should be asked for in one line when %s', async (_, from, where) => {
    const failing = findBinaries(from, where);
    await expect(failing).rejects.toThrow(NoPostgres);
    await expect(failing).rejects.toThrow(/^These tests need PostgreSQL 15 .*install.*TEST_DATABASE_URL.*$/);
  });

  it('should be copied with the links that npm left out', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'agent-graphql-native-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const native = join(folder, 'packages', 'native');
    await mkdir(join(native, 'lib'), { recursive: true });
    await writeFile(join(native, 'lib', 'libpq.so.5.15'), 'code');
    const links = [{ source: 'native/lib/libpq.so.5.15', target: 'native/lib/libpq.so.5' }];
    await writeFile(join(native, 'pg-symlinks.json'), JSON.stringify(links));
    const copy = await copyNative(native, folder);
    expect(copy).toBe(join(folder, 'native'));
    expect(await readFile(join(copy, 'lib', 'libpq.so.5'), 'utf8')).toBe('code');
  });
});
