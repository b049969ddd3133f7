import { deepStrictEqual } from 'node:assert/strict';
import { describe, expect, it } from 'vitest';
import type { Change } from '../../../src/store/change.ts';
import { NO_EXECUTION } from '../../../src/store/execution.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
import type { JsonObject } from '../../../src/store/records.ts';
import {
  applyAssistantPatch,
  checkAssistantInput,
  newAssistant,
} from '../../../src/store/rules/assistant.ts';
import { applyRunPatch, checkNewRun, newRun } from '../../../src/store/rules/run.ts';
import { parseRecord } from '../../../src/store/rules/parse-record.ts';
import { newThread } from '../../../src/store/rules/thread.ts';
import { START, valueOf } from '../../support/bench.ts';
import { existing } from '../../support/records.ts';
import { nested, ODD_NAMES, single, sized, UNSTORABLE } from '../../support/json-samples.ts';

const alice = owner('alice');
const ID = '0123456789ab4cde8f0123456789abcd';
const ODD = Object.fromEntries(ODD_NAMES.map((name) => [name, [single(name, null)]]));

const assistant = valueOf(
  newAssistant(alice, { graphId: 'g', config: nested(32), context: sized(65_536), metadata: ODD }, START),
);
const thread = valueOf(newThread(alice, { metadata: { a: [1, -2.5e-9, true, null, 'x'] } }, START));
const run = valueOf(
  newRun(
    alice,
    valueOf(checkNewRun(alice, { threadId: ID, assistantId: ID, metadata: sized(65_536) })),
    { thread, hasAssistant: true, resumed: null, active: [], nextEnded: 1 },
    START,
  ),
).run;
const changed = valueOf(
  applyAssistantPatch(
    alice,
    assistant,
    valueOf(checkAssistantInput({ description: '😀'.repeat(4_096), name: ' n ' })),
    0,
  ),
);
const patched = valueOf(
  applyRunPatch(
    alice,
    { run, execution: NO_EXECUTION, nextEnded: 7 },
    { status: 'TIMEOUT', metadata: undefined },
    START + 5,
  ),
);
const ended = existing(patched).run;
const RECORDS = { assistant, thread, run };

function read(resource: Change['resource'], value: unknown) {
  return parseRecord(resource, alice, value);
}

describe('a stored record', () => {
  it.each([
    ['assistant', assistant],
    ['assistant', changed],
    ['thread', thread],
    ['run', run],
    ['run', ended],
  ] as const)('should be read as it was: %s', (resource, record) => {
    const found = read(resource, JSON.parse(JSON.stringify(record)));
    if ('problem' in found) throw new Error(found.problem);
    deepStrictEqual<unknown>(found, { resource, before: null, after: record });
    // The same to the engine, too, and to whoever writes it down again.
    expect(JSON.stringify(found.after)).toBe(JSON.stringify(record));
    expect(frozen(found.after)).toBe(true);
  });

  it('should be a copy', () => {
    const given = { ...thread, metadata: { owner: 'alice', list: [1] } };
    const found = read('thread', given);
    given.metadata.list.push(2);
    expect(found).toMatchObject({ after: { metadata: { list: [1] } } });
  });

  it.each(['assistant', 'thread', 'run'] as const)('should have all keys and no other: %s', (resource) => {
    const record = RECORDS[resource];
    for (const key of Object.keys(record)) {
      const rest = Object.fromEntries(Object.entries(record).filter(([other]) => other !== key));
      expect(read(resource, rest)).toStrictEqual({ problem: expect.stringMatching(/^[a-z][^.]+$/) });
      expect(read(resource, { ...record, [key]: undefined })).toHaveProperty('problem');
    }
    expect(read(resource, { ...record, more: 1 })).toStrictEqual({ problem: 'has an unknown key' });
    expect(read(resource, { ...record, __proto__: { more: 1 } })).not.toHaveProperty('problem');
  });

  it.each<[Change['resource'], string, readonly unknown[]]>([
    [
      'thread',
      'id',
      ['', ID.slice(1), `${ID}0`, ID.toUpperCase(), `${ID.slice(1)}\n`, 'g'.repeat(32), 7, [ID]],
    ],
    ['thread', 'status', ['PENDING', 'idle', '', 0, null, ['IDLE'], 'toString']],
    [
      'thread',
      'createdAt',
      [
        '2026-01-02T03:04:05Z',
        '2026-01-02T03:04:05.678+00:00',
        '2026-02-30T03:04:05.678Z',
        '2026-02-31T03:04:05.678Z',
        '2025-02-29T03:04:05.678Z',
        '2026-01-32T03:04:05.678Z',
        '2026-01-00T03:04:05.678Z',
        '2026-01-02T03:60:05.678Z',
        '2026-01-02T24:00:00.000Z',
        '2026-13-02T03:04:05.678Z',
        '2026-01-02 03:04:05.678Z',
        '+020260-01-02T03:04:05.678Z',
        START,
        null,
      ],
    ],
    ['thread', 'updatedAt', ['2026-01-02T03:04:05.677Z', '2026-01-02', 0, null]],
    [
      'thread',
      'metadata',
      [null, [], 'x', {}, { owner: 'bob' }, { owner: null }, Object.create({ owner: 'alice' })],
    ],
    ['assistant', 'version', [0, -1, 1.5, '1', null, 2 ** 53, Number.NaN]],
    ['assistant', 'graphId', ['', ' ', 'x'.repeat(257), 'a\0', '\ud800', null, 5]],
    ['assistant', 'name', ['', '\u0085', '😀'.repeat(257), null]],
    ['assistant', 'description', ['x'.repeat(4_097), 'a\0', 5, {}]],
    ['assistant', 'config', [null, [], 'x']],
    ['assistant', 'context', [null, [], 5]],
    ['run', 'threadId', ['', null, ID.toUpperCase()]],
    ['run', 'assistantId', ['', null, 'x']],
    ['run', 'status', ['IDLE', 'SUCCESS', null]],
    ['run', 'ended', [1, 0, -1, 1.5, '1']],
    ['thread', 'valuesRunId', ['', 'x', 7]],
    ['run', 'hasInput', [null, 0, 'true']],
    ['run', 'hasOutput', [null, 1, 'false']],
    ['run', 'hasCheckpoint', [null, 1, {}]],
    ['run', 'error', ['x', [], {}, { code: 'A' }, { code: '', message: '', details: null }]],
    ['run', 'interrupt', ['x', [], 5]],
    ['run', 'resumes', ['', 'x', 7]],
    ['run', 'multitaskStrategy', ['enqueue', null, 0]],
    ['run', 'attempt', [-1, 1.5, null, '1']],
    ['run', 'maxAttempts', [0, -1, 1.5, null]],
    ['run', 'timeoutSeconds', [0, 1.5, '1']],
    ['run', 'assistantVersion', [0, 1.5, '1']],
    ['run', 'worker', ['', 'x'.repeat(257), 5]],
    ['run', 'availableAt', ['', 'x', 5, '2026-01-02']],
    ['run', 'startedAt', ['', 'x', 5, '2026-01-02']],
    ['run', 'finishedAt', ['', 'x', 5, '2026-01-02']],
    ['run', 'cancelRequestedAt', ['', 'x', 5, '2026-01-02']],
  ])('should be refused with a bad value: %s.%s', (resource, key, values) => {
    for (const value of values) {
      expect([value, read(resource, { ...RECORDS[resource], [key]: value })]).toStrictEqual([
        value,
        { problem: expect.stringMatching(/^[a-z][^\n]*[^.\n]$/) },
      ]);
    }
  });

  it('should have an end if it has ended', () => {
    expect(read('run', { ...ended, ended: null })).toHaveProperty('problem');
    expect(read('run', { ...ended, ended: 0 })).toHaveProperty('problem');
  });

  it.each(UNSTORABLE)('should be refused with %s', (_, object: JsonObject) => {
    expect(read('thread', { ...thread, metadata: { ...object, owner: 'alice' } })).toHaveProperty('problem');
    expect(read('assistant', { ...assistant, config: object })).toHaveProperty('problem');
    expect(read('assistant', { ...assistant, context: object })).toHaveProperty('problem');
  });

  it.each([null, undefined, 'x', 5, true, [], [thread]])(
    'should be refused when it is no object: %s',
    (value) => {
      expect(read('thread', value)).toStrictEqual({ problem: 'is not an object' });
    },
  );
});

function frozen(value: unknown): boolean {
  return (
    typeof value !== 'object' ||
    value === null ||
    (Object.isFrozen(value) && Object.values(value).every(frozen))
  );
}
