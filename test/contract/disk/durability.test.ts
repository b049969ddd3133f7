import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import * as lmdb from 'lmdb';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { OwnedRecord } from '../../../src/store/archive.ts';
import { diskArchive } from '../../../src/store/disk/archive.ts';
import { openDiskStores } from '../../../src/store/disk/stores.ts';
import { inFolder } from './folder.ts';

/** LMDB's flags that let a commit end before it is on disk, by their names in `lmdb.h`. */
const CARELESS = {
  MDB_OVERLAPPINGSYNC: 0x1000,
  MDB_NOSYNC: 0x10000,
  MDB_NOMETASYNC: 0x40000,
};

const Opened = z.object({ env: z.object({ address: z.number() }) });
const Native = z.object({ nativeAddon: z.object({ getEnvFlags: z.instanceof(Function) }) });

/** Those of the flags that an LMDB file has been opened with in this process. */
async function carelessFlagsOf(path: string): Promise<readonly string[]> {
  // To open a file again gives the same environment, with the flags that it has.
  const again = lmdb.open({ path, noSubdir: true, overlappingSync: false });
  try {
    const { address } = Opened.parse(again).env;
    const { getEnvFlags } = Native.parse(lmdb).nativeAddon;
    const flags = z
      .int()
      .positive()
      .parse(Reflect.apply(getEnvFlags, null, [address]));
    return Object.entries(CARELESS).flatMap(([name, flag]) => ((flags & flag) === 0 ? [] : [name]));
  } finally {
    await again.close();
  }
}

/** What a file is filled with: nothing. @param work is done meanwhile */
async function* noRecords(
  work: () => Promise<void> = async () => {},
): AsyncGenerator<readonly OwnedRecord[]> {
  await work();
  yield [];
}

describe('a commit on disk', () => {
  it('should end when it is on disk', () =>
    inFolder(async (folder) => {
      const opened = await openDiskStores(folder);
      expect(await carelessFlagsOf(join(folder, 'data.mdb'))).toStrictEqual([]);
      await opened.close();
    }));

  it('should do so in a file that is being filled, before it has its name', () =>
    inFolder(async (folder) => {
      const seen: (readonly string[])[] = [];
      await diskArchive(folder).fill(
        noRecords(async () => {
          seen.push(await carelessFlagsOf(join(folder, 'data.mdb.new')));
        }),
      );
      expect(seen).toStrictEqual([[]]);
    }));

  it.each(Object.keys(CARELESS))('should be told from one that does not, by the flag %s', (name) =>
    inFolder(async (folder) => {
      const path = join(folder, 'data.mdb');
      const careless = lmdb.open({
        path,
        noSubdir: true,
        overlappingSync: name === 'MDB_OVERLAPPINGSYNC',
        noSync: name === 'MDB_NOSYNC',
        noMetaSync: name === 'MDB_NOMETASYNC',
      });
      expect(await carelessFlagsOf(path)).toStrictEqual([name]);
      await careless.close();
    }),
  );
});

describe('the names of files and folders', () => {
  it('should be on disk before anything else is stored', () =>
    inFolder(async (folder) => {
      const [first, second] = [join(folder, 'first'), join(folder, 'first', 'second')];
      const file = join(second, 'data.mdb');
      const steps = await stepsOf(async () => (await openDiskStores(second)).close());
      expect(steps.filter((step) => !step.endsWith('.new') && !step.endsWith('-lock'))).toStrictEqual([
        `sync ${folder}`,
        `sync ${first}`,
        `rename ${file}`,
        `sync ${second}`,
      ]);
    }));

  it('should be on disk when a folder has been filled', () =>
    inFolder(async (folder) => {
      const steps = await stepsOf(() => diskArchive(folder).fill(noRecords()));
      expect(steps.slice(-2)).toStrictEqual([`rename ${join(folder, 'data.mdb')}`, `sync ${folder}`]);
    }));
});

/** Which files get their names and which folders are synced meanwhile, in order. */
async function stepsOf(work: () => Promise<unknown>): Promise<readonly string[]> {
  const opens = vi.spyOn(fs, 'openSync');
  const syncs = vi.spyOn(fs, 'fsyncSync');
  const renames = vi.spyOn(fs, 'renameSync');
  syncBuiltinESMExports();
  try {
    await work();
    const opened = callsOf(opens.mock).map(([at, [path]], index) => ({
      at,
      path,
      file: opens.mock.results[index]?.value,
    }));
    const pathOf = (file: number, before: number) =>
      opened.findLast((one) => one.file === file && one.at < before)?.path;
    const steps = [
      ...callsOf(renames.mock).map(([at, [, to]]) => ({ at, step: `rename ${String(to)}` })),
      ...callsOf(syncs.mock).map(([at, [file]]) => ({ at, step: `sync ${String(pathOf(file, at))}` })),
    ];
    return steps.toSorted((a, b) => a.at - b.at).map(({ step }) => step);
  } finally {
    for (const spy of [opens, syncs, renames]) spy.mockRestore();
    syncBuiltinESMExports();
  }
}

/** The arguments of all calls, each with its place among those of all spies. */
function callsOf<T>({ calls, invocationCallOrder }: { calls: T[]; invocationCallOrder: number[] }) {
  return calls.map((args, index) => [invocationCallOrder[index] ?? 0, args] as const);
}
