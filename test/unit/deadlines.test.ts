import { expect, it, onTestFinished, vi } from 'vitest';
import { Deadlines, type Expiring } from '../../src/lib/deadlines.ts';
import { HOUR } from '../support/hour.ts';

const DAY = 24 * HOUR;

/** Deadlines in a time that the test passes, and what has expired. */
function given(...times: readonly number[]) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const deadlines = new Deadlines();
  const expired: number[] = [];
  const start = performance.now();
  const items = times.map((time): Expiring => {
    return { expiresAt: start + time, expire: () => void expired.push(time) };
  });
  for (const item of items) deadlines.add(item);
  return { deadlines, items, expired };
}

it('should expire deadlines at their times, whatever the order in which they came', () => {
  const { expired } = given(3_000, 1_000, 2_000, 1_000);
  vi.advanceTimersByTime(999);
  expect(expired).toStrictEqual([]);
  vi.advanceTimersByTime(1);
  expect(expired).toStrictEqual([1_000, 1_000]);
  vi.advanceTimersByTime(1_000);
  expect(expired).toStrictEqual([1_000, 1_000, 2_000]);
  vi.advanceTimersByTime(1_000);
  expect(expired).toStrictEqual([1_000, 1_000, 2_000, 3_000]);
});

it('should expire those that are close to each other together', () => {
  const { expired } = given(1_000, 1_010, 1_050, 1_051);
  vi.advanceTimersByTime(1_000);
  expect(expired).toStrictEqual([1_000]);
  vi.advanceTimersByTime(50);
  expect(expired).toStrictEqual([1_000, 1_010, 1_050]);
  vi.advanceTimersByTime(50);
  expect(expired).toStrictEqual([1_000, 1_010, 1_050, 1_051]);
});

it('should forget what is deleted, and keep no timer for it', () => {
  const { deadlines, items, expired } = given(1_000, 2_000);
  for (const item of items) deadlines.delete(item);
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(5_000);
  expect(expired).toStrictEqual([]);
});

it('should expire those that are further away than a timer can be', () => {
  const { expired } = given(30 * DAY, 60 * DAY);
  vi.advanceTimersByTime(30 * DAY - 1);
  expect(expired).toStrictEqual([]);
  vi.advanceTimersByTime(1);
  expect(expired).toStrictEqual([30 * DAY]);
  vi.advanceTimersByTime(30 * DAY);
  expect(expired).toStrictEqual([30 * DAY, 60 * DAY]);
});

it('should take deadlines again after the last one', () => {
  const { deadlines, items, expired } = given(1_000);
  vi.advanceTimersByTime(1_000);
  for (const { expire } of items) deadlines.add({ expiresAt: performance.now() + 500, expire });
  vi.advanceTimersByTime(500);
  expect(expired).toStrictEqual([1_000, 1_000]);
  expect(vi.getTimerCount()).toBe(0);
});

it('should expire all at once when it is told to', () => {
  const { deadlines, expired } = given(1_000, 2_000);
  deadlines.expireAll();
  expect(expired).toStrictEqual([1_000, 2_000]);
});
