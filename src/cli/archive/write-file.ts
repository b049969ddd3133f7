import type { Writable } from 'node:stream';
import type { Archive } from '../../store/archive.ts';
import type { Counts } from '../../store/stores.ts';
import { ArchiveError } from './archive-error.ts';
import { endLine, headerLine, recordLine } from './format.ts';

/** How much is written at once, in UTF-16 units. */
const CHUNK = 262_144;

/**
 * Writes all that stores hold to a file, no faster than that takes it.
 * @returns how many records were written
 * @throws StoreError when they cannot be read, or the file cannot be written
 */
export async function writeFile(archive: Archive, output: Writable): Promise<Counts> {
  const counts = { assistant: 0, thread: 0, run: 0 };
  // Whoever waits for what is written hears of it.
  output.on('error', () => {});
  let text = headerLine();
  await archive.read(async (records) => {
    for (const record of records) {
      text += recordLine(record);
      counts[record.resource]++;
    }
    if (text.length < CHUNK) return;
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
