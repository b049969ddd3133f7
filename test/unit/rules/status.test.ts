import { describe, expect, it } from 'vitest';
import { RUN_STATUSES } from '../../../src/store/records.ts';
import { isActive, refuseTransition, threadStatus } from '../../../src/store/rules/status.ts';
import { ALLOWED, THREAD_AFTER } from '../../contract/status-table.ts';

describe('the status of a run', () => {
  it.each(RUN_STATUSES.flatMap((from) => RUN_STATUSES.map((to) => [from, to] as const)))(
    'should move forward only: %s → %s',
    (from, to) => {
      const refusal = refuseTransition(from, to);
      const expected = ALLOWED[from].includes(to) ? null : { code: 'CONFLICT', key: 'status' };
      expect(refusal && { code: refusal.code, key: refusal.key }).toStrictEqual(expected);
    },
  );

  it.each(RUN_STATUSES)('should be active before it is final: %s', (status) => {
    expect(isActive(status)).toBe(THREAD_AFTER[status] === 'BUSY');
  });
});

describe('the status of a thread', () => {
  it.each(RUN_STATUSES.filter((status) => !isActive(status)))('should follow the last end: %s', (status) => {
    expect(threadStatus(0, { status })).toBe(THREAD_AFTER[status]);
    expect(threadStatus(1, { status })).toBe('BUSY');
    expect(threadStatus(7, { status })).toBe('BUSY');
  });

  it('should be IDLE without runs, and BUSY before any has ended', () => {
    expect(threadStatus(0, undefined)).toBe('IDLE');
    expect(threadStatus(1, undefined)).toBe('BUSY');
  });
});
