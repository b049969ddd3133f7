import { describe, expect, it } from 'vitest';
import type { Execution, RunEvent } from '../../../src/store/execution.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { digestOf } from '../../../src/store/rules/idempotency.ts';
import { parseExecution, parseKeyRecord, parseRunEvent } from '../../../src/store/rules/parse-execution.ts';
import { START } from '../../support/bench.ts';
import { nested, sized } from '../../support/json-samples.ts';

const digest = digestOf({ status: 'SUCCESS' });
const lease = { holder: owner('alice'), worker: '😀'.repeat(256), seconds: 30, endsAt: START };
const execution: Execution = {
  claims: 3,
  lease,
  storedEvents: 1,
  sentEvents: 20_000,
  sentBytes: 16_777_216,
  lastSeq: 7,
  droppedSeq: 7,
  cancelAction: 'ROLLBACK',
  reported: { digest, status: 'SUCCESS' },
};
const event: RunEvent = {
  seq: 1,
  attempt: 0,
  type: 'A',
  data: '{"a":[1,null]}',
  at: '2026-01-02T03:04:05.678Z',
};

/** What is no count. */
const NO_COUNTS = [-1, 0.5, '1', null, undefined, Number.NaN, 2 ** 53, {}];

describe('a stored execution', () => {
  it('should be read as it was', () => {
    for (const value of [execution, { ...execution, lease: null, cancelAction: null, reported: null }]) {
      const read = parseExecution(JSON.parse(JSON.stringify(value)));
      expect(read).toStrictEqual(value);
      expect(Object.isFrozen(read)).toBe(true);
      expect(Object.isFrozen(read?.lease ?? Object.freeze({}))).toBe(true);
    }
  });

  it.each<[string, readonly unknown[]]>([
    ['claims', NO_COUNTS],
    ['storedEvents', NO_COUNTS],
    ['sentEvents', NO_COUNTS],
    ['sentBytes', NO_COUNTS],
    ['lastSeq', [...NO_COUNTS, 6]],
    ['droppedSeq', [...NO_COUNTS, 8]],
    ['cancelAction', ['rollback', '', 1, undefined, ['ROLLBACK']]],
    ['lease', [undefined, 'x', [], {}, ...without(lease)]],
    [
      'lease',
      [
        { ...lease, holder: '' },
        { ...lease, worker: ' ' },
        { ...lease, worker: 'x'.repeat(257) },
        { ...lease, endsAt: 2 ** 52 },
        { ...lease, seconds: 0.5 },
      ],
    ],
    ['reported', [undefined, 'x', [], {}, { digest }, { status: 'SUCCESS' }, { digest, status: 'DONE' }]],
    ['reported', [{ digest: 'x', status: 'SUCCESS' }]],
  ])('should be refused with a bad value: %s', (key, values) => {
    for (const value of values)
      expect([value, parseExecution({ ...execution, [key]: value })]).toStrictEqual([value, null]);
  });

  it.each([null, undefined, 'x', 5, [], [execution]])(
    'should be refused when it is no object: %j',
    (value) => {
      expect(parseExecution(value)).toBeNull();
    },
  );
});

describe('what a stored key has made', () => {
  it('should be read as it was, or refused', () => {
    const made = { recordId: 'a'.repeat(32), digest };
    expect(parseKeyRecord(JSON.parse(JSON.stringify(made)))).toStrictEqual(made);
    for (const bad of [
      null,
      'x',
      [],
      {},
      ...without(made),
      { ...made, digest: `${digest}x` },
      { ...made, recordId: 1 },
    ]) {
      expect([bad, parseKeyRecord(bad)]).toStrictEqual([bad, null]);
    }
  });
});

describe('an event that was exported', () => {
  it('should be read as it was', () => {
    expect(parseRunEvent({ ...event, data: JSON.parse(event.data) })).toStrictEqual(event);
  });

  it.each<[string, readonly unknown[]]>([
    ['seq', [...NO_COUNTS, 0]],
    ['attempt', NO_COUNTS],
    ['type', ['', 'x'.repeat(65), 'a\0', 5, null]],
    ['data', ['{}', null, [], nested(33), sized(65_537), { a: '\0' }]],
    ['at', ['', '2026-01-02', START, null]],
  ])('should be refused with a bad value: %s', (key, values) => {
    for (const value of values) {
      expect(parseRunEvent({ ...event, data: { a: 1 }, [key]: value })).toBeNull();
    }
  });
});

/** An object without each of its keys. */
function without(value: object): readonly object[] {
  return Object.keys(value).map((key) => {
    return Object.fromEntries(Object.entries(value).filter(([other]) => other !== key));
  });
}
