import { ArchiveReader } from './archive/archive-reader.ts';
import { describeCounts } from './archive/format.ts';
import type { Command } from './command.ts';
import { showProgress } from './progress.ts';
import { archiveOf, DATA_OPTION } from './storage-of.ts';

/** Reads all records from stdin. */
export const importArchive: Command = {
  name: 'import',
  summary: 'Reads all records from stdin into an empty DATA_DIR or DATABASE_URL.',
  options: { data: DATA_OPTION },
  async run({ env }) {
    const archive = await archiveOf(env);
    const reader = new ArchiveReader();
    const progress = showProgress(process.stderr, () => `Importing: ${describeCounts(reader.counts)}`);
    try {
      await archive.fill(reader.read(process.stdin));
    } finally {
      progress.end();
    }
    return `Imported ${describeCounts(reader.counts)}.`;
  },
};
