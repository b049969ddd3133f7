import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextInstant } from '../../../src/store/rules/identity.ts';
import { COMPARE, positionOf, type Sortable, sortableAt } from '../../../src/store/rules/order.ts';

const FIELDS = ['CREATED_AT', 'UPDATED_AT', 'NAME'] as const;
const time = fc.constantFrom(
  '2026-01-01T00:00:00.000Z',
  '2026-01-01T00:00:00.001Z',
  '2026-02-01T00:00:00.000Z',
);
const records: fc.Arbitrary<Sortable> = fc.record({
  id: fc.constantFrom('0', '1', 'a', 'f'),
  createdAt: time,
  updatedAt: time,
  name: fc.constantFrom('a', '\uff5e', '😀', 'b'),
});

describe.each(FIELDS)('the order by %s', (field) => {
  it('should be total: by the field, then by id', () =>
    fc.assert(
      fc.property(records, records, (a, b) => {
        const place = (record: Sortable): Buffer => {
          const { key, id } = positionOf(record, field);
          return Buffer.from(`${key}\0${id}`);
        };
        expect(Math.sign(COMPARE[field](a, b))).toBe(Buffer.compare(place(a), place(b)));
      }),
    ));

  it('should have a stand-in where a record stands', () =>
    fc.assert(
      fc.property(records, (record) => {
        expect(COMPARE[field](record, sortableAt(positionOf(record, field)))).toBe(0);
      }),
    ));
});

describe('the time of a change', () => {
  it('should be now, or a millisecond after the last when the clock has not moved on', () => {
    const last = '2026-01-01T00:00:00.999Z';
    const at = Date.parse(last);
    expect(nextInstant(last, at + 5)).toBe('2026-01-01T00:00:01.004Z');
    expect(nextInstant(last, at + 1)).toBe('2026-01-01T00:00:01.000Z');
    expect(nextInstant(last, at)).toBe('2026-01-01T00:00:01.000Z');
    expect(nextInstant(last, at - 60_000)).toBe('2026-01-01T00:00:01.000Z');
  });
});
