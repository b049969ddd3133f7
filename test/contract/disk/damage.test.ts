import { deepStrictEqual } from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { open } from 'lmdb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withChecksum } from '../../../src/store/disk/record-entry.ts';
import { openDiskStores } from '../../../src/store/disk/stores.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
import type { Run, Thread } from '../../../src/store/records.ts';
import { StoreError } from '../../../src/store/store-error.ts';
import { START } from '../../support/bench.ts';
import { inFolder, makeFolder } from './folder.ts';
import { sized } from '../../support/json-samples.ts';
import { makeAssistant, makeRun, makeThread, NEW_RUN } from '../../support/records.ts';
import { type Everything, everythingOf } from '../../support/walk.ts';

const alice = owner('alice');
const PAGE = 4_096;
/** Where the two first pages say which page the tree of all trees starts at. */
const ROOTS = [0, 1].map((n) => n * PAGE + 24 + 72 + 40);
const ID = '0123456789ab4cde8f0123456789abcd';

const sample = makeFolder();
let whole: Everything;
let bytes: Buffer;

beforeAll(async () => {
  const opened = await openDiskStores(sample.path, { now: () => START });
  const stores = opened.forRequest();
  for (let i = 0; i < 8; i++) {
    const { id: assistantId } = await makeAssistant(stores, alice, {
      config: sized(i % 4 === 0 ? 20_000 : 500),
    });
    const { id: threadId } = await makeThread(stores, alice, { text: 'x'.repeat(700) });
    await makeRun(stores, alice, { assistantId, threadId }, 'ERROR');
    await makeRun(stores, alice, { assistantId, threadId });
    const { id } = await makeThread(stores, alice, sized(9_000));
    if (i % 2 === 0) await stores.threads.delete(alice, id);
  }
  whole = await everythingOf(stores, alice);
  await opened.close();
  bytes = readFileSync(join(sample.path, 'data.mdb'));
});

afterAll(() => sample.remove());

/** What is found in a folder with such a file: everything, or why the file is refused. */
async function find(data: Buffer): Promise<Everything | string> {
  let found: Everything | string = '';
  await inFolder(async (folder) => {
    writeFileSync(join(folder, 'data.mdb'), data);
    found = await look(folder);
    expect(readFileSync(join(folder, 'data.mdb')).equals(data)).toBe(true);
  });
  return found;
}

async function look(folder: string): Promise<Everything | string> {
  try {
    const opened = await openDiskStores(folder);
    const everything = await everythingOf(opened.forRequest(), alice);
    await opened.close();
    return everything;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return error.message.replace(folder, 'folder');
  }
}

const REFUSED = /^DATA_DIR "folder" is damaged: [^\n]+\. Choose a backup of it, or another folder\.$/;

/** Whether the file was refused, in one line; if not, it must be as it was. */
function expectRefusalOrWhole(found: Everything | string): boolean {
  if (typeof found !== 'string') {
    deepStrictEqual(found, whole);
    return false;
  }
  expect(found).toMatch(REFUSED);
  return true;
}

// Should a page go unchecked, LMDB ends the whole process: then this file is not reported at all.
describe('a damaged file', () => {
  it('should be read when it is not damaged', async () => {
    deepStrictEqual(await find(bytes), whole);
    expect(bytes.length).toBeGreaterThan(40 * PAGE);
  });

  it.each([
    ['is empty', () => Buffer.alloc(0)],
    ['has a few bytes', () => Buffer.from('data')],
    ['is garbage', () => Buffer.alloc(20 * PAGE, 'garbage ')],
    ['is zeros', () => Buffer.alloc(20 * PAGE)],
    ['lost its first page', () => Buffer.concat([Buffer.alloc(PAGE), bytes.subarray(PAGE)])],
    ['ends after its first pages', () => bytes.subarray(0, 2 * PAGE)],
    [
      'claims more pages than it can have',
      () => patched((copy) => [0, 1].forEach((n) => (copy[n * PAGE + 148] = 8))),
    ],
    [
      'has pages of a later transaction',
      () =>
        patched((copy) => ROOTS.forEach((at) => (copy[PAGE * Number(copy.readBigUInt64LE(at)) + 13] = 16))),
    ],
  ])('should be refused when it %s', async (_, damage) => {
    expect(await find(damage())).toMatch(REFUSED);
  });

  it('should be refused when its end is missing', async () => {
    expect.hasAssertions();
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: bytes.length - 1 }), async (length) => {
        const refused = expectRefusalOrWhole(await find(bytes.subarray(0, length)));
        // The last pages may be free ones, which nobody misses.
        expect(refused || length > bytes.length / 2).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    ['a bit', (at: number) => patched((copy) => copy.writeUInt8(copy.readUInt8(at) ^ 16, at))],
    ['a bit of a page’s head', (at: number) => patched((copy) => flip(copy, at - (at % PAGE) + (at % 64)))],
    [
      'a page of zeros',
      (at: number) => patched((copy) => copy.fill(0, at - (at % PAGE), at - (at % PAGE) + PAGE)),
    ],
    [
      'a page of noise',
      (at: number) => patched((copy) => copy.fill('noise', at - (at % PAGE), at - (at % PAGE) + PAGE)),
    ],
    [
      'another page',
      (at: number) => patched((copy) => copy.copyWithin(at - (at % PAGE), 5 * PAGE, 6 * PAGE)),
    ],
  ])('should be refused, or be as it was, when %s is wrong', async (_, damage) => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2 * PAGE, max: bytes.length - 1 }), async (at) => {
        if (expectRefusalOrWhole(await find(damage(at)))) refused++;
      }),
      { numRuns: 60 },
    );
    expect(refused).toBeGreaterThan(5);
  });
});

describe('records that contradict each other', () => {
  const time = '2026-01-02T03:04:05.678Z';
  const common = { id: ID, metadata: { owner: 'alice' }, createdAt: time, updatedAt: time };
  const idle: Thread = { ...common, status: 'IDLE', valuesRunId: null };
  const done: Run = {
    ...common,
    threadId: ID,
    assistantId: ID,
    status: 'SUCCESS',
    ended: 1,
    ...NEW_RUN,
    availableAt: null,
    finishedAt: time,
  };
  const active: Run = { ...done, status: 'RUNNING', ended: null };
  const other = { id: ID.replace('0', '1') };

  it.each<[problem: string, records: readonly (readonly ['thread' | 'run', object])[]]>([
    [`a run's thread ${ID} is missing`, [['run', done]]],
    [`the thread ${ID} is BUSY, but its runs require IDLE`, [['thread', { ...idle, status: 'BUSY' }]]],
    [
      `the thread ${ID} is IDLE, but its runs require ERROR`,
      [
        ['thread', idle],
        ['run', { ...done, status: 'ERROR' }],
      ],
    ],
    [
      `the assistant ${ID} of a run that has not ended is missing`,
      [
        ['thread', { ...idle, status: 'BUSY' }],
        ['run', active],
      ],
    ],
    [
      `two runs of the thread ${ID} have the same \`ended\``,
      [
        ['thread', idle],
        ['run', done],
        ['run', { ...done, ...other }],
      ],
    ],
    [`the thread ${ID} has no valid status`, [['thread', { ...idle, status: 'DONE' }]]],
    [
      `the thread ${ID} has another owner in its metadata`,
      [['thread', { ...idle, metadata: { owner: 'bob' } }]],
    ],
  ])('should be refused: %s', (problem, records) =>
    inFolder(async (folder) => {
      await (await openDiskStores(folder)).close();
      await put(
        folder,
        records.map(([resource, record]) => [
          ['alice', resource, idOf(record)],
          withChecksum(JSON.stringify(record)),
        ]),
      );
      expect(await look(folder)).toBe(
        `DATA_DIR "folder" is damaged: ${problem}. Choose a backup of it, or another folder.`,
      );
    }),
  );

  it.each<[what: string, key: string[], text: string, problem: string]>([
    [
      'another id',
      ['alice', 'thread', other.id],
      withChecksum(JSON.stringify(idle)),
      `the thread ${other.id} has another id in it`,
    ],
    ['no checksum', ['alice', 'thread', ID], JSON.stringify(idle), `the record ${ID} has a wrong checksum`],
    [
      'no owner',
      ['', 'thread', ID],
      withChecksum(JSON.stringify(idle)),
      'it has a record with an invalid key',
    ],
    [
      'another kind',
      ['alice', 'tread', ID],
      withChecksum(JSON.stringify(idle)),
      'it has a record with an invalid key',
    ],
    [
      'a short key',
      ['alice', 'thread'],
      withChecksum(JSON.stringify(idle)),
      'it has a record with an invalid key',
    ],
  ])('should be refused when one has %s', (_, key, text, problem) =>
    inFolder(async (folder) => {
      await (await openDiskStores(folder)).close();
      await put(folder, [[key, text]]);
      expect(await look(folder)).toBe(
        `DATA_DIR "folder" is damaged: ${problem}. Choose a backup of it, or another folder.`,
      );
    }),
  );
});

function patched(patch: (copy: Buffer) => unknown): Buffer {
  const copy = Buffer.from(bytes);
  patch(copy);
  return copy;
}

function flip(copy: Buffer, at: number): void {
  copy.writeUInt8(copy.readUInt8(at) ^ (1 << (at % 8)), at);
}

function idOf(record: object): string {
  return 'id' in record ? String(record.id) : '';
}

async function put(
  folder: string,
  entries: readonly (readonly [key: string[], text: string])[],
): Promise<void> {
  const root = open<string>({
    path: join(folder, 'data.mdb'),
    noSubdir: true,
    overlappingSync: false,
    maxDbs: 4,
  });
  const records = root.openDB<string>({ name: 'records', encoding: 'string' });
  for (const [key, text] of entries) await records.put(key, text);
  await root.close();
}
