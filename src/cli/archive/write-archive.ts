import type { Writable } from 'node:stream';
import type { Archive } from '../../store/archive.ts';
import type { RecordCounts } from '../../store/stores.ts';
import { ArchiveError } from './archive-error.ts';
import { endLine, entryLine, headerLine } from './format.ts';

/** The minimum length of a chunk in UTF-16 units, except for the last one. */
const CHUNK_LENGTH = 262_144;

/**
 * Writes all records of an archive as a file, as fast as the stream accepts it.
 * @param counts is counted up while they are written
 * @returns how many records were written
 * @throws StoreError when the records cannot be read, or the file cannot be written
 */
export async function writeArchive(
  archive: Archive,
  output: Writable,
  counts: Record<keyof RecordCounts, number> = { assistant: 0, thread: 0, run: 0 },
): Promise<RecordCounts> {
  // The callback of each write reports the error.
  output.on('error', () => {});
  let text = headerLine();
  await archive.read(async (entries) => {
    for (const entry of entries) {
      text += entryLine(entry);
      if ('resource' in entry) counts[entry.resource]++;
    }
    if (text.length < CHUNK_LENGTH) return;
    const chunk = text;
    text = '';
    await write(output, chunk);
  });
  await write(output, text + endLine(counts));
  return counts;
}

async function write(output: Writable, text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    output.write(text, (error) => {
      if (error == null) resolve();
      else reject(new ArchiveError(`The file could not be written to its end: ${error.message}.`));
    });
  });
}
