// Not `expect`: to its `toStrictEqual`, a key named `constructor` is the object's class.
import { deepStrictEqual } from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { checkPages } from '../../../src/store/disk/lmdb-pages.ts';
import { withChecksum } from '../../../src/store/disk/record-entry.ts';
import { openDiskStores } from '../../../src/store/disk/stores.ts';
import type { Upgrade } from '../../../src/store/disk/upgrades.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { StoreError } from '../../../src/store/store-error.ts';
import type { OpenedStores, Stores } from '../../../src/store/stores.ts';
import { StoreUnavailable } from '../../../src/store/unavailable.ts';
import { call, START, valueOf } from '../../support/bench.ts';
import { inFolder } from './folder.ts';
import { histories, OWNERS } from './histories.ts';
import { ODD_NAMES, single, sized } from '../../support/json-samples.ts';
import { ModelStores } from '../model/model-stores.ts';
import { runCommand, withoutEnd } from '../model/run-command.ts';
import { makeAssistant, makeRun, makeThread, moveRun } from '../../support/records.ts';
import { endCursor, everythingOf, idsOf, NEWEST_FIRST } from '../../support/walk.ts';

const [alice, bob] = [owner('alice'), owner('bob')];
const NO_ACTIVE = { activeRuns: { PENDING: 0, RUNNING: 0 } };

/** Opens a folder's stores for as long as it takes. */
async function using<T>(
  folder: string,
  use: (stores: Stores, opened: OpenedStores) => Promise<T>,
  upgrades?: readonly Upgrade[],
): Promise<T> {
  const opened = await openDiskStores(folder, { now: () => START, ...(upgrades && { upgrades }) });
  try {
    return await use(opened.forRequest(), opened);
  } finally {
    await opened.close();
  }
}

/** Why a folder cannot be opened. */
async function refusalOf(folder: string, upgrades?: readonly Upgrade[]): Promise<string> {
  try {
    await using(folder, async () => {}, upgrades);
  } catch (error) {
    if (error instanceof StoreError) return error.message;
    throw error;
  }
  throw new Error('It was opened.');
}

describe('stores on disk that are opened again', () => {
  it('should be as they were, whatever was done', async () => {
    expect.hasAssertions();
    await fc.assert(
      fc.asyncProperty(histories, (parts) =>
        inFolder(async (folder) => {
          const model = new ModelStores(OWNERS);
          for (const part of parts) {
            await using(folder, async (stores) => {
              for (const command of part) {
                model.now = START;
                await runCommand(command, stores, model);
              }
            });
          }
          const after = await using(folder, (stores) =>
            Promise.all(OWNERS.map((one) => everythingOf(stores, one))),
          );
          for (const [index, one] of OWNERS.entries()) {
            const expected = model.everythingOf(one);
            const found = after[index];
            deepStrictEqual(found?.assistants, expected.assistants);
            deepStrictEqual(found?.threads, expected.threads);
            deepStrictEqual(found?.runs.map(withoutEnd), expected.runs.map(withoutEnd));
          }
          expect(checkPages(join(folder, 'data.mdb'))).toBeGreaterThan(2);
        }),
      ),
      { numRuns: 30 },
    );
  });

  it('should have the same records, frozen, with every odd key and the numbers of the ends', () =>
    inFolder(async (folder) => {
      const long = owner('😀'.repeat(255));
      const before = await using(folder, async (stores) => {
        for (const name of ODD_NAMES) {
          await makeThread(stores, owner(name), single(name, [single(name, { '': -0.5e-300 })]));
        }
        await makeAssistant(stores, long, {
          config: sized(65_536, 'a', '😀'),
          description: '\u{10ffff}"\\\n',
        });
        const thread = await makeThread(stores, alice);
        for (const status of ['ERROR', 'SUCCESS', 'INTERRUPTED'] as const) {
          await makeRun(stores, alice, { threadId: thread.id }, status);
        }
        return Promise.all([...ODD_NAMES, long, alice].map((name) => everythingOf(stores, owner(name))));
      });
      await using(folder, async (stores, { loadedCounts }) => {
        const after = await Promise.all(
          [...ODD_NAMES, long, alice].map((name) => everythingOf(stores, owner(name))),
        );
        deepStrictEqual(after, before);
        expect(loadedCounts).toStrictEqual({
          assistant: 4,
          thread: ODD_NAMES.length + 1,
          run: 3,
          ...NO_ACTIVE,
        });
        const [odd] = after[0]?.threads ?? [];
        expect(Object.isFrozen(odd)).toBe(true);
        expect(Object.isFrozen(odd?.metadata)).toBe(true);
        expect(Object.isFrozen(odd?.metadata.__proto__)).toBe(true);
      });
    }));

  it('should go on with the next end of a thread', () =>
    inFolder(async (folder) => {
      const ids = await using(folder, async (stores) => {
        const { id: threadId } = await makeThread(stores, alice);
        await makeRun(stores, alice, { threadId }, 'ERROR');
        const { id } = await makeRun(stores, alice, { threadId });
        return { threadId, id };
      });
      await using(folder, async (stores) => {
        expect((await stores.threads.get(alice, ids.threadId))?.status).toBe('BUSY');
        expect((await moveRun(stores, alice, ids.id, 'INTERRUPTED')).ended).toBe(2);
        expect((await stores.threads.get(alice, ids.threadId))?.status).toBe('INTERRUPTED');
      });
      await using(folder, async (stores) => {
        await stores.runs.delete(alice, ids.id);
        expect((await stores.threads.get(alice, ids.threadId))?.status).toBe('ERROR');
      });
    }));

  it('should know their cursors again, and no other folder should', () =>
    inFolder(async (folder) => {
      const query = { orderBy: NEWEST_FIRST, first: 1 };
      const { after, rest } = await using(folder, async ({ threads }) => {
        for (let i = 0; i < 3; i++) valueOf(await threads.create(alice, {}));
        const cursor = endCursor(await threads.list(alice, query));
        return { after: cursor, rest: (await threads.list(alice, { ...query, after: cursor })).items };
      });
      await using(folder, async ({ threads }) => {
        expect((await threads.list(alice, { ...query, after })).items).toStrictEqual(rest);
      });
      await inFolder((other) =>
        using(other, async ({ threads }) => {
          expect(() => threads.list(alice, { ...query, after })).toThrow('not a cursor of this list');
        }),
      );
    }));

  it('should keep the records of two owners apart', () =>
    inFolder(async (folder) => {
      const threads = await using(folder, async (stores) => [
        await makeThread(stores, alice, { a: 1 }),
        await makeThread(stores, bob, { b: 1 }),
      ]);
      await using(folder, async (stores) => {
        expect((await everythingOf(stores, alice)).threads).toStrictEqual([threads[0]]);
        expect((await everythingOf(stores, bob)).threads).toStrictEqual([threads[1]]);
      });
    }));

  it('should be empty when all was deleted', () =>
    inFolder(async (folder) => {
      await using(folder, async (stores) => {
        const { id, assistantId, threadId } = await makeRun(stores, alice, {}, 'SUCCESS');
        await stores.runs.delete(alice, id);
        await stores.assistants.delete(alice, assistantId);
        await stores.threads.delete(alice, threadId);
      });
      for (let time = 0; time < 2; time++) {
        await using(folder, async (_, { loadedCounts }) => {
          expect(loadedCounts).toStrictEqual({ assistant: 0, thread: 0, run: 0, ...NO_ACTIVE });
        });
      }
    }));

  it('should have what was pending when they were closed, and nothing of later', () =>
    inFolder(async (folder) => {
      const opened = await openDiskStores(folder);
      const { threads } = opened.forRequest();
      const pending = [makeThread(opened.forRequest(), alice), makeThread(opened.forRequest(), alice)];
      expect(opened.isReady()).toBe(true);
      await opened.close();
      const ids = idsOf(await Promise.all(pending));
      await expect(call(() => threads.create(alice, {}))).rejects.toThrow(StoreUnavailable);
      expect(opened.isReady()).toBe(false);
      await using(folder, async (stores, { loadedCounts }) => {
        expect(loadedCounts?.thread).toBe(2);
        expect(await stores.threads.getMany(alice, ids)).not.toContain(null);
      });
    }));

  it('should tell what they loaded', () =>
    inFolder(async (folder) => {
      await using(folder, (stores) => makeRun(stores, alice));
      const log = { info: vi.fn<() => void>(), error: vi.fn<() => void>() };
      await (await openDiskStores(folder, { log })).close();
      expect(log.info.mock.calls).toStrictEqual([
        [{ folder, assistant: 1, thread: 1, run: 1, milliseconds: expect.any(Number) }, 'DATA_DIR loaded'],
      ]);
      expect(log.error).not.toHaveBeenCalled();
    }));
});

describe('the folder of stores on disk', () => {
  it('should be made, for this user alone', () =>
    inFolder(async (folder) => {
      const deep = join(folder, 'a', 'b');
      await using(deep, async (stores) => void (await makeThread(stores, alice)));
      const modes = [join(folder, 'a'), deep, ...readdirSync(deep).map((name) => join(deep, name))].map(
        (path) => [path, (statSync(path).mode & 0o777).toString(8)],
      );
      expect(modes).toStrictEqual([
        [join(folder, 'a'), '700'],
        [deep, '700'],
        [join(deep, 'data.mdb'), '600'],
        [join(deep, 'data.mdb-lock'), '600'],
        [join(deep, 'lock'), '600'],
      ]);
    }));

  it('should be refused while it is open, and taken when it is closed', () =>
    inFolder(async (folder) => {
      await using(folder, async (stores) => {
        const refusal = `DATA_DIR "${folder}" is in use by another process: stop that one, or choose another.`;
        expect(await refusalOf(folder)).toBe(refusal);
        expect(await refusalOf(`${folder}/.`)).toContain('is in use');
        await makeThread(stores, alice);
      });
      await using(folder, async (_, { loadedCounts }) => expect(loadedCounts?.thread).toBe(1));
    }));

  it.each([
    ['a file', (folder: string) => join(folder, 'file'), 'ENOTDIR'],
    ['a folder in a file', (folder: string) => join(folder, 'file', 'folder'), 'ENOTDIR'],
  ])('should be refused when it is %s', (_, place, code) =>
    inFolder(async (folder) => {
      writeFileSync(join(folder, 'file'), '');
      const refusal = await refusalOf(place(folder));
      expect(refusal).toMatch(new RegExp(`^DATA_DIR "${place(folder)}" cannot be used: ${code}: [^\n]*\\.$`));
    }),
  );

  it.skipIf(!existsSync('/proc/self'))('should be refused when it cannot be written', async () => {
    expect(await refusalOf('/proc')).toMatch(/^DATA_DIR "\/proc" cannot be used: ENOENT: [^\n]*\.$/);
    expect(await refusalOf('/proc/data')).toMatch(
      /^DATA_DIR "\/proc\/data" cannot be used: ENOENT: [^\n]*\.$/,
    );
  });

  it.skipIf(process.getuid?.() === 0)('should be refused when it belongs to another', () =>
    inFolder(async (folder) => {
      chmodSync(folder, 0o500);
      expect(await refusalOf(folder)).toMatch(/^DATA_DIR "[^"]+" cannot be used: EACCES: [^\n]*\.$/);
      expect(await refusalOf(join(folder, 'new'))).toMatch(
        /^DATA_DIR "[^"]+" cannot be used: EACCES: [^\n]*\.$/,
      );
    }),
  );

  it('should be cleared of what was left by a start that was cut off', () =>
    inFolder(async (folder) => {
      for (const name of ['data.mdb.new', 'data.mdb.new-lock', 'data.mdb-lock', 'lock']) {
        writeFileSync(join(folder, name), 'x'.repeat(8_192));
      }
      await using(folder, makeThreadOfAlice);
      await using(folder, async (_, { loadedCounts }) => expect(loadedCounts?.thread).toBe(1));
      expect(readdirSync(folder).toSorted()).toStrictEqual(['data.mdb', 'data.mdb-lock', 'lock']);
    }));

  it('should be refused when there is a folder in the place of its file', () =>
    inFolder(async (folder) => {
      mkdirSync(join(folder, 'data.mdb'));
      expect(await refusalOf(folder)).toMatch(/^DATA_DIR "[^"]+" cannot be used: EISDIR: [^\n]*\.$/);
    }));
});

const rename: Upgrade = (records) => {
  // All of them first: they are not to change under the walk.
  const entries = Array.from(records.getRange());
  for (const { key, value } of entries) {
    void records.put(key, withChecksum(value.slice(8).replace('"step":1', '"step":2')));
  }
};

const fail: Upgrade = (records) => {
  rename(records);
  throw new Error('This step fails');
};

describe('the version of the format', () => {
  it('should be brought up step by step, once', () =>
    inFolder(async (folder) => {
      const { id, metadata } = await using(folder, (stores) => makeThread(stores, alice, { step: 1 }), []);
      expect(metadata.step).toBe(1);
      const cursor = await using(
        folder,
        async ({ threads }) => endCursor(await threads.list(alice, { orderBy: NEWEST_FIRST })),
        [],
      );
      const steps: string[] = [];
      const upgrades: readonly Upgrade[] = [
        (records) => {
          steps.push('first');
          rename(records);
        },
        () => void steps.push('second'),
      ];
      for (const known of [1, 2, 2]) {
        await using(
          folder,
          async ({ threads }) => {
            expect((await threads.get(alice, id))?.metadata).toStrictEqual({ step: 2, owner: 'alice' });
            const page = await threads.list(alice, { orderBy: NEWEST_FIRST, after: cursor });
            expect(page.items).toStrictEqual([]);
          },
          upgrades.slice(0, known),
        );
      }
      expect(steps).toStrictEqual(['first', 'second']);
    }));

  it('should stay when a step fails, with all as it was', () =>
    inFolder(async (folder) => {
      const thread = await using(folder, (stores) => makeThread(stores, alice, { step: 1 }), []);
      expect(await refusalOf(folder, [fail])).toContain('This step fails');
      await using(
        folder,
        async ({ threads }) => expect(await threads.get(alice, thread.id)).toStrictEqual(thread),
        [],
      );
    }));

  it('should be refused when it is newer', () =>
    inFolder(async (folder) => {
      await using(folder, makeThreadOfAlice, [() => {}, () => {}]);
      expect(await refusalOf(folder)).toBe(
        `DATA_DIR "${folder}" has version 3 of the format, and this program knows 2 at most: ` +
          'start a newer program, or choose another folder.',
      );
    }));
});

async function makeThreadOfAlice(stores: Stores): Promise<void> {
  await makeThread(stores, alice);
}
