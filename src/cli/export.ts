import { createWriteStream, fstatSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { describeCounts } from './archive/format.ts';
import { writeArchive } from './archive/write-archive.ts';
import type { Command } from './command.ts';
import { showProgress } from './progress.ts';
import { archiveOf, DATA_OPTION } from './storage-of.ts';

/** Writes all records to stdout. */
export const exportArchive: Command = {
  name: 'export',
  summary: 'Writes all records of DATA_DIR or DATABASE_URL to stdout.',
  options: { data: DATA_OPTION },
  async run({ env }) {
    const archive = await archiveOf(env);
    const counts = { assistant: 0, thread: 0, run: 0 };
    const progress = showProgress(process.stderr, () => `Exporting: ${describeCounts(counts)}`);
    try {
      await writeArchive(archive, openOutput(), counts);
    } finally {
      progress.end();
    }
    return `Exported ${describeCounts(counts)}.`;
  },
};

/** `process.stdout` does not notice when only a part of a chunk is written to a file, on a full disk. */
function openOutput(): Writable {
  const { fd } = process.stdout;
  return fstatSync(fd).isFile() ? createWriteStream('', { fd }) : process.stdout;
}
