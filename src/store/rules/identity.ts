import { randomInt, randomUUID } from 'node:crypto';

/** The first 12 digits of an id are a number below this. */
const PREFIXES = 2 ** 48;
/** Room for the ids of one millisecond: a million at least. */
const ROOM = 2 ** 40;
/** The largest step between the prefixes of two ids of one millisecond. */
const MAX_STEP = 2 ** 20;

let latest = { time: Number.NaN, prefix: 0 };

/**
 * A new id: UUID v4 as 32 lowercase hex digits, all random. The ids of one millisecond grow, each by a random amount:
 * records of one time are listed in the order in which they were created.
 * @param now milliseconds since 1970
 */
export function newId(now: number): string {
  const random = randomUUID().replaceAll('-', '');
  const first = Number.parseInt(random.slice(0, 12), 16) % (PREFIXES - ROOM);
  const prefix = now === latest.time ? latest.prefix + randomInt(1, MAX_STEP) : first;
  latest = { time: now, prefix };
  return `${prefix.toString(16).padStart(12, '0')}${random.slice(12)}`;
}

/** Whether a text has the form of an id. */
export function isId(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text);
}

/** A time in the form that records have: RFC 3339, UTC, milliseconds. @param now milliseconds since 1970 */
export function instant(now: number): string {
  return new Date(now).toISOString();
}

/**
 * The `updatedAt` of a changed record: the current time, or a millisecond after the last change where the clock has not
 * moved on, so that it grows with every change.
 * @param now milliseconds since 1970
 */
export function nextInstant(last: string, now: number): string {
  const current = instant(now);
  return current > last ? current : instant(Date.parse(last) + 1);
}
