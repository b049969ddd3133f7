import { ArchiveReader } from './archive/archive-reader.ts';
import { describeCounts } from './archive/format.ts';
import { requireArchive } from './require-archive.ts';
import { runCommand } from './run-command.ts';

/** `npm run import`: reads all records from stdin. */
await runCommand(async (storage) => {
  const archive = await requireArchive(storage);
  const reader = new ArchiveReader();
  await archive.fill(reader.read(process.stdin));
  return `Imported ${describeCounts(reader.counts)}.`;
});
