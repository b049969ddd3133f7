import type { OwnedRecord } from '../../store/archive.ts';
import type { RecordCounts } from '../../store/stores.ts';

/** The `format` in the header of a file. */
export const FORMAT = 'agent-graphql';
/** The version of the format: the one that is written, and the newest that is read. */
export const VERSION = 1;

/** The first line of a file. */
export function headerLine(): string {
  return `${JSON.stringify({ format: FORMAT, version: VERSION })}\n`;
}

/** The line of a record. */
export function recordLine({ owner, resource, after }: OwnedRecord): string {
  return `{"owner":${JSON.stringify(owner)},"${resource}":${JSON.stringify(after)}}\n`;
}

/** The last line of a file. A file without it was cut off. */
export function endLine({ assistant, thread, run }: RecordCounts): string {
  return `${JSON.stringify({ end: { assistants: assistant, threads: thread, runs: run } })}\n`;
}

/** Counts as text, such as “1 assistant, 2 threads and 0 runs”. */
export function describeCounts({ assistant, thread, run }: RecordCounts): string {
  return `${plural(assistant, 'assistant')}, ${plural(thread, 'thread')} and ${plural(run, 'run')}`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
