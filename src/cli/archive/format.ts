import type { Stored } from '../../store/archive.ts';
import type { Counts } from '../../store/stores.ts';

/** What the first line of a file says of it. */
export const FORMAT = 'agent-graphql';
/** The version of the format that is written, and the newest that is read. */
export const VERSION = 1;

/** The line before all records. */
export function headerLine(): string {
  return `${JSON.stringify({ format: FORMAT, version: VERSION })}\n`;
}

/** The line of a record. */
export function recordLine({ owner, resource, after }: Stored): string {
  return `{"owner":${JSON.stringify(owner)},"${resource}":${JSON.stringify(after)}}\n`;
}

/** The line after all records, without which a file was cut off. */
export function endLine({ assistant, thread, run }: Counts): string {
  return `${JSON.stringify({ end: { assistants: assistant, threads: thread, runs: run } })}\n`;
}

/** Counts in words. */
export function describeCounts({ assistant, thread, run }: Counts): string {
  return `${many(assistant, 'assistant')}, ${many(thread, 'thread')} and ${many(run, 'run')}`;
}

function many(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
