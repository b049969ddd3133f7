import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Archive } from '../../../src/store/archive.ts';
import { diskArchive } from '../../../src/store/disk/archive.ts';
import { postgresArchive } from '../../../src/store/postgres/archive.ts';
import type { RunStatus } from '../../../src/store/records.ts';
import { configFor } from '../../support/postgres/config.ts';
import { createDatabase, type TestDatabase } from '../../support/postgres/database.ts';
import { inFolder } from '../disk/folder.ts';
import { exportOf, importInto, refusalOf } from './moved.ts';
import { assistant, AT, end, fileOf, HEADER, ids, LATER, line, run, thread } from './sample.ts';

const HEADER_1 = HEADER.replace('2', '1');

/** What the runs of version 1 get: the times that follow from their statuses. */
const STATUSES: readonly (readonly [RunStatus, object])[] = [
  ['PENDING', { availableAt: AT, startedAt: null, finishedAt: null }],
  ['RUNNING', { availableAt: null, startedAt: LATER, finishedAt: null }],
  ...(['SUCCESS', 'ERROR', 'TIMEOUT', 'INTERRUPTED', 'CANCELLED'] as const).map(
    (status) => [status, { availableAt: null, startedAt: null, finishedAt: LATER }] as const,
  ),
];

const RUNS = STATUSES.map(([status, times], index) => {
  const ended = index < 2 ? null : index;
  const state = { id: String(index).repeat(32), status, ended };
  const common = { threadId: ids.thread, assistantId: ids.assistant };
  const labels = { metadata: { owner: 'alice' }, createdAt: AT, updatedAt: LATER };
  return { before: { ...state, ...common, ...labels }, after: run({ ...state, ...times }) };
});

const BUSY = { status: 'BUSY', metadata: { owner: 'alice' }, createdAt: AT, updatedAt: AT };
const OLD = fileOf(
  HEADER_1,
  line('alice', 'assistant', assistant()),
  line('alice', 'thread', { id: ids.thread, ...BUSY }),
  ...RUNS.map(({ before }) => line('alice', 'run', before)),
  end(1, 1, RUNS.length),
);
const NEW = fileOf(
  HEADER,
  line('alice', 'assistant', assistant()),
  line('alice', 'thread', thread({ status: 'BUSY' })),
  ...RUNS.map(({ after }) => line('alice', 'run', after)),
  end(1, 1, RUNS.length),
);

/** The file that is exported after its import. */
async function fileAfter(archive: Archive): Promise<string> {
  await importInto(archive, OLD);
  return exportOf(archive);
}

describe('a file of version 1', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createDatabase();
  });

  afterAll(() => database.drop());

  it('should be imported into a folder, with what it lacks', () =>
    inFolder(async (folder) => expect(await fileAfter(diskArchive(folder))).toBe(NEW)));

  it('should be imported into a database, with what it lacks', async () =>
    expect(await fileAfter(postgresArchive(configFor(database.url)))).toBe(NEW));

  it('should be refused as version 2', () =>
    inFolder(async (folder) => {
      const file = OLD.replace(HEADER_1, HEADER);
      expect(await refusalOf(importInto(diskArchive(folder), file))).toContain('Line 3: the thread has');
    }));
});
