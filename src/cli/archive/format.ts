import type { ArchiveEntry, OwnedDetail } from '../../store/archive.ts';
import type { RecordCounts } from '../../store/stores.ts';

/** The `format` in the header of a file. */
export const FORMAT = 'agent-graphql';
/** The version of the format: the one that is written, and the newest that is read. */
export const VERSION = 2;

/** The first line of a file. */
export function headerLine(): string {
  return `${JSON.stringify({ format: FORMAT, version: VERSION })}\n`;
}

/** The line of a record or a detail. */
export function entryLine(entry: ArchiveEntry): string {
  const owner = JSON.stringify(entry.owner);
  if ('detail' in entry) return `{"owner":${owner},"${entry.detail}":${detailJson(entry)}}\n`;
  return `{"owner":${owner},"${entry.resource}":${JSON.stringify(entry.after)}}\n`;
}

/** Texts that are JSON already are not parsed. */
function detailJson(entry: OwnedDetail): string {
  const { id } = entry;
  switch (entry.detail) {
    case 'execution':
    case 'key':
      return JSON.stringify({ id, ...entry.value });
    case 'payload':
      return `{"id":"${id}","name":"${entry.name}","value":${entry.value}}`;
    case 'event': {
      const { data, ...rest } = entry.value;
      return `${JSON.stringify({ id, ...rest }).slice(0, -1)},"data":${data}}`;
    }
  }
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
