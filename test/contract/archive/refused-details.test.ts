import { describe, expect, it } from 'vitest';
import { diskArchive } from '../../../src/store/disk/archive.ts';
import { inFolder } from '../disk/folder.ts';
import { exportOf, filesIn, importInto, refusalOf } from './moved.ts';
import {
  AT,
  DETAILED,
  DIGEST,
  event,
  execution,
  fileOf,
  ids,
  key,
  line,
  payload,
  run,
  thread,
} from './sample.ts';

/** The numbers of the lines of {@link DETAILED}. */
const LINES = { thread: 3, run: 4, execution: 5, input: 6, output: 7, key: 8, event: 9, lastEvent: 10 };

/** The file with details, with one line replaced by others. */
function withLine(number: number, ...lines: readonly string[]): string {
  return fileOf(...DETAILED.toSpliced(number - 1, 1, ...lines));
}

function withRun(changes: object): string {
  const flags = { hasInput: true, hasOutput: true, attempt: 1 };
  return withLine(LINES.run, line('alice', 'run', run({ ...flags, ...changes })));
}

function withExecution(changes: object): string {
  return withLine(LINES.execution, line('alice', 'execution', execution(changes)));
}

function withInput(changes: object): string {
  return withLine(LINES.input, line('alice', 'payload', payload(changes)));
}

function withKey(changes: object): string {
  return withLine(LINES.key, line('alice', 'key', key(changes)));
}

function withEvent(changes: object): string {
  return withLine(LINES.event, line('alice', 'event', event(changes)));
}

const WAITING = 'the run has a status or a worker that `availableAt` contradicts';
const NO_RUN = `the run ${ids.ended} of the execution is not before it`;
const LEASE = { holder: 'alice', worker: 'w', seconds: 30, endsAt: 1 };

describe('a file with details', () => {
  it('should be imported as it is', () =>
    inFolder(async (folder) => {
      await importInto(diskArchive(folder), fileOf(...DETAILED));
      expect(await exportOf(diskArchive(folder))).toBe(fileOf(...DETAILED));
    }));

  it.each<[string, string, number, string]>([
    ['a run that is pending and waits for nothing', withRun({ status: 'PENDING', ended: null }), 4, WAITING],
    ['a run that has ended and waits', withRun({ availableAt: AT }), 4, WAITING],
    [
      'a run that waits, with a worker',
      withRun({ status: 'RUNNING', ended: null, availableAt: AT, worker: 'w' }),
      4,
      WAITING,
    ],
    [
      'a worker without a lease',
      withRun({ status: 'RUNNING', ended: null, worker: 'w' }),
      5,
      `the run ${ids.ended} has a worker, and that has no lease`,
    ],
    [
      'a run that has ended, with a lease',
      withExecution({ lease: LEASE }),
      5,
      `the run ${ids.ended} has ended, and has a lease`,
    ],
    [
      'values of another run',
      withLine(LINES.thread, line('alice', 'thread', thread({ valuesRunId: ids.other }))),
      3,
      'the thread has the values of another run',
    ],
    [
      'no values',
      withLine(LINES.thread, line('alice', 'thread', thread())),
      3,
      'the thread has the values of another run',
    ],
    [
      'values of a run without output',
      withRun({ hasOutput: false }),
      LINES.output,
      `the run ${ids.ended} has no output`,
    ],

    ['an execution before its run', withLine(4, DETAILED[4], DETAILED[3]), 4, NO_RUN],
    ['a record after a detail', withLine(5, DETAILED[4], DETAILED[2]), 6, 'the record should come earlier'],
    [
      'an execution twice',
      withLine(5, DETAILED[4], DETAILED[4]),
      6,
      `the execution of the run ${ids.ended} is before this one`,
    ],
    [
      'an execution without a claim',
      withExecution({ claims: 0 }),
      5,
      'the execution is that of a run that no',
    ],
    ['an execution with another key', withExecution({ x: 1 }), 5, 'the execution has an unknown key'],
    ['no execution', withLine(5, line('alice', 'execution', [])), 5, 'the execution has no id'],
    ...[
      { claims: -1 },
      { claims: '1' },
      { storedEvents: 0.5 },
      { sentEvents: null },
      { sentBytes: undefined },
      { lastSeq: 2 ** 53 },
      { droppedSeq: 4 },
      { cancelAction: 'STOP' },
      { reported: { digest: 'x', status: 'SUCCESS' } },
      { reported: { digest: DIGEST, status: 'DONE' } },
      { lease: {} },
      { lease: { ...LEASE, holder: ' ' } },
      { lease: { ...LEASE, worker: '' } },
      { lease: { ...LEASE, endsAt: 1e15 } },
    ].map((changes): [string, string, number, string] => [
      `the execution ${JSON.stringify(changes)}`,
      withExecution(changes),
      5,
      'the execution is not valid',
    ]),

    [
      'a payload too few',
      fileOf(...DETAILED.toSpliced(5, 1)),
      5,
      `the input of the run ${ids.ended} is missing`,
    ],
    [
      'a payload too few of a run without an execution',
      fileOf(...DETAILED.slice(0, 4), DETAILED[5], DETAILED[7], DETAILED[10]),
      4,
      `the output of the run ${ids.ended} is missing`,
    ],
    ['a payload twice', withLine(6, DETAILED[5], DETAILED[5]), 7, `the run ${ids.ended} has no input`],
    [
      'a payload that the run has not',
      withInput({ name: 'checkpoint' }),
      6,
      `the run ${ids.ended} has no checkpoint`,
    ],
    ['a payload of no run', withInput({ id: ids.other }), 6, `the run ${ids.other} of the payload`],
    ['a payload of another name', withInput({ name: 'error' }), 6, 'the payload has no name'],
    ['a payload that is an array', withInput({ value: [] }), 6, 'the payload has no JSON object'],
    [
      'a payload too large',
      withInput({ value: { a: 'x'.repeat(524_288) } }),
      6,
      'the payload has an invalid',
    ],
    ['a payload with U+0000', withInput({ value: { a: '\0' } }), 6, 'the payload has an invalid'],
    [
      'a payload before an execution',
      withLine(5, DETAILED[5], DETAILED[4]),
      6,
      'the execution should come earlier: execution, payload, key, event come after the runs',
    ],

    ['a key of no record', withKey({ recordId: ids.other }), 8, `the record ${ids.other} of the key`],
    [
      'a key of another kind of record',
      withKey({ recordId: ids.thread }),
      8,
      `the record ${ids.thread} of the`,
    ],
    [
      'a key twice',
      withLine(8, DETAILED[7], DETAILED[7]),
      9,
      `the key run ${DIGEST} is that of a line before`,
    ],
    ['a key of nothing', withKey({ id: `user ${DIGEST}` }), 8, 'the key has no valid id'],
    ['a key that is no digest', withKey({ id: 'run key' }), 8, 'the key has no valid id'],
    ['a key with two digests', withKey({ id: `run ${DIGEST} ${DIGEST}` }), 8, 'the key has no valid id'],
    ['an input that is no digest', withKey({ digest: '' }), 8, 'the key is not valid'],

    [
      'an event too few',
      fileOf(...DETAILED.toSpliced(9, 1)),
      5,
      `the events of the run ${ids.ended} end with 2`,
    ],
    ['a gap in events', withEvent({ seq: 3 }), 9, `the event 2 of the run ${ids.ended} should be here`],
    ['an event twice', withLine(9, DETAILED[8], DETAILED[8]), 10, `the event 3 of the run ${ids.ended}`],
    ['events that were dropped', withEvent({ seq: 1 }), 9, `the event 2 of the run ${ids.ended}`],
    [
      'an event too many',
      withLine(10, DETAILED[9], line('alice', 'event', event({ seq: 4 }))),
      11,
      `the run ${ids.ended} has no events after 3`,
    ],
    [
      'events without an execution',
      fileOf(...DETAILED.toSpliced(4, 1)),
      8,
      `the run ${ids.ended} has no events after 0`,
    ],
    [
      'an event before the executions',
      withLine(5, DETAILED[8], DETAILED[4]),
      5,
      `the run ${ids.ended} has no events after 0`,
    ],
    [
      'an event of no run',
      withEvent({ id: ids.other }),
      9,
      `the run ${ids.other} of the event is not before it`,
    ],
    ...[
      { seq: 0 },
      { attempt: null },
      { type: ' ' },
      { type: 'x'.repeat(65) },
      { at: '2026-01-02T03:04:05Z' },
      { data: [] },
      { data: { a: 'x'.repeat(65_536) } },
    ].map((changes): [string, string, number, string] => [
      `the event ${JSON.stringify(changes).slice(0, 40)}`,
      withEvent(changes),
      9,
      'the event is not valid',
    ]),
    [
      "a detail of another owner's run",
      fileOf(...DETAILED.slice(0, 10), line('bob', 'execution', execution()), DETAILED[10]),
      11,
      NO_RUN,
    ],
  ])('should be refused with %s', async (_, file, number, problem) => {
    await inFolder(async (folder) => {
      const said = await refusalOf(importInto(diskArchive(folder), file));
      expect(said).toContain(`Line ${number}: ${problem}`);
      expect(said).toMatch(/^[^\n]*\. Nothing was imported\.$/);
      expect(filesIn(folder)).toStrictEqual([]);
    });
  });
});
