import { randomUUID } from 'node:crypto';

/** A new id: UUID v4 as 32 lowercase hex digits. */
export function newId(): string {
  return randomUUID().replaceAll('-', '');
}

/** Whether a text is one that {@link newId} could make: no record has another id. */
export function isId(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text);
}

/** An instant as records hold it. @param now milliseconds since 1970 */
export function instant(now: number): string {
  return new Date(now).toISOString();
}

/**
 * When a record changes: now, or a millisecond after its last change where the clock has not moved on since, so
 * that `updatedAt` grows with every change.
 * @param now milliseconds since 1970
 */
export function nextInstant(last: string, now: number): string {
  const current = instant(now);
  return current > last ? current : instant(Date.parse(last) + 1);
}
