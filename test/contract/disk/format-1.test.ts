import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { open } from 'lmdb';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { withChecksum } from '../../../src/store/disk/record-entry.ts';
import { openDiskStores } from '../../../src/store/disk/stores.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
import type { OpenedStores, Stores } from '../../../src/store/stores.ts';
import { START } from '../../support/bench.ts';
import { existing, makeRun, makeThread, NEW_RUN } from '../../support/records.ts';
import { everythingOf, idsOf, NEWEST_FIRST } from '../../support/walk.ts';
import { claim, finish } from '../../support/worker.ts';
import { inFolder } from './folder.ts';

/** A data file that the version before runs were executed has written, and what was in it. */
const PLACE = join(import.meta.dirname, 'format-1');
const record = z.looseObject({ id: z.string() });
const Expected = z.object({
  cursor: z.string(),
  rest: z.array(z.string()),
  assistants: z.array(record),
  threads: z.array(record),
  runs: z.array(
    z.looseObject({ id: z.string(), status: z.string(), createdAt: z.string(), updatedAt: z.string() }),
  ),
});
const expected = z
  .record(z.string(), Expected)
  .parse(JSON.parse(readFileSync(join(PLACE, 'records.json'), 'utf8')));
const owners = Object.keys(expected).map(owner);
/** When the stores are opened. */
const LATER = START + 1_000_000;

async function using<T>(
  folder: string,
  use: (stores: Stores, opened: OpenedStores) => Promise<T>,
): Promise<T> {
  const opened = await openDiskStores(folder, { now: () => LATER });
  try {
    return await use(opened.forRequest(), opened);
  } finally {
    await opened.close();
  }
}

async function inOldFolder(test: (folder: string) => Promise<void>): Promise<void> {
  await inFolder(async (parent) => {
    const folder = join(parent, 'data');
    mkdirSync(folder);
    writeFileSync(join(folder, 'data.mdb'), gunzipSync(readFileSync(join(PLACE, 'data.mdb.gz'))));
    await test(folder);
  });
}

describe('a data file of format 1', () => {
  it('should be opened with all that it has, and with what is new', () =>
    inOldFolder(async (folder) => {
      for (let time = 0; time < 2; time++) {
        await using(folder, async (stores, { loadedCounts }) => {
          expect(loadedCounts).toStrictEqual({
            assistant: 2,
            thread: 16,
            run: 20,
            activeRuns: { PENDING: 4, RUNNING: 2 },
          });
          for (const one of owners) {
            const { assistants, threads, runs } = await everythingOf(stores, one);
            const before = existing(expected[one]);
            expect(assistants).toStrictEqual(before.assistants);
            expect(threads).toStrictEqual(before.threads.map((thread) => ({ ...thread, valuesRunId: null })));
            expect(runs).toStrictEqual(
              before.runs.map((run) => ({
                ...run,
                ...NEW_RUN,
                availableAt: run.status === 'PENDING' ? run.createdAt : null,
                startedAt: run.status === 'RUNNING' ? run.updatedAt : null,
                finishedAt: ['PENDING', 'RUNNING'].includes(run.status) ? null : run.updatedAt,
              })),
            );
          }
        });
      }
    }));

  it('should know its cursors', () =>
    inOldFolder((folder) =>
      using(folder, async ({ runs }) => {
        for (const one of owners) {
          const { cursor, rest } = existing(expected[one]);
          const page = await runs.list(one, { orderBy: NEWEST_FIRST, first: 3, after: cursor });
          expect(idsOf(page.items)).toStrictEqual(rest);
        }
      }),
    ));

  it('should give its PENDING runs to workers, and leave its RUNNING ones to who moves them', () =>
    inOldFolder((folder) =>
      using(folder, async (stores, { sweep }) => {
        await sweep();
        const given = await claim(stores, owner('operator'), { allOwners: true, max: 50 });
        const waiting = owners.flatMap((one) =>
          existing(expected[one]).runs.filter(({ status }) => status === 'PENDING'),
        );
        expect(given.map(({ run }) => run.id).toSorted()).toStrictEqual(idsOf(waiting).toSorted());
        for (const { lease } of given) {
          expect(await finish(stores, owner('operator'), lease)).toStrictEqual({
            accepted: true,
            status: 'SUCCESS',
          });
        }
        for (const one of owners) {
          const running = existing(existing(expected[one]).runs.find(({ status }) => status === 'RUNNING'));
          expect(await stores.runs.update(one, running.id, { status: 'SUCCESS' })).toMatchObject({
            value: { status: 'SUCCESS', startedAt: running.updatedAt },
          });
        }
      }),
    ));

  it('should be upgraded whole, however many records it has', () =>
    inFolder(async (folder) => {
      const alice = owner('alice');
      const opened = await openDiskStores(folder, { now: () => START, upgrades: [] });
      const stores = opened.forRequest();
      const { assistantId } = await makeRun(stores, alice);
      await Promise.all(
        Array.from({ length: 400 }, async () => {
          const { id: threadId } = await makeThread(stores, alice, { text: 'x'.repeat(500) });
          await makeRun(stores, alice, { threadId, assistantId });
        }),
      );
      const before = await everythingOf(stores, alice);
      await opened.close();
      await withoutNewFields(folder);
      await using(folder, async (again) => {
        expect(await everythingOf(again, alice)).toStrictEqual(before);
      });
    }));
});

/** Makes records of format 1 of those in a folder. */
async function withoutNewFields(folder: string): Promise<void> {
  const fresh = new Set([...Object.keys(NEW_RUN), 'availableAt', 'valuesRunId']);
  const root = open<string>({
    path: join(folder, 'data.mdb'),
    noSubdir: true,
    overlappingSync: false,
    maxDbs: 4,
  });
  const records = root.openDB<string>({ name: 'records', encoding: 'string' });
  for (const { key, value } of Array.from(records.getRange())) {
    const fields = Object.entries(record.parse(JSON.parse(value.slice(8))));
    const old = Object.fromEntries(fields.filter(([name]) => !fresh.has(name)));
    await records.put(key, withChecksum(JSON.stringify(old)));
  }
  await root.close();
}
