import { FileReader } from './archive/file-reader.ts';
import { describeCounts } from './archive/format.ts';
import { runCommand } from './run-command.ts';
import { openNamed } from './storage.ts';

/** Reads all data from stdin. */
await runCommand(async (storage) => {
  const archive = await openNamed(storage);
  const reader = new FileReader();
  await archive.fill(reader.read(process.stdin));
  return `Imported ${describeCounts(reader.counts)}.`;
});
