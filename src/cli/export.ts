import { createWriteStream, fstatSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { describeCounts } from './archive/format.ts';
import { writeArchive } from './archive/write-archive.ts';
import { requireArchive } from './require-archive.ts';
import { runCommand } from './run-command.ts';

/** `npm run export`: writes all records to stdout. */
await runCommand(async (storage) => {
  const archive = await requireArchive(storage);
  const counts = await writeArchive(archive, openOutput());
  return `Exported ${describeCounts(counts)}.`;
});

/** `process.stdout` does not notice when only a part of a chunk is written to a file, on a full disk. */
function openOutput(): Writable {
  const { fd } = process.stdout;
  return fstatSync(fd).isFile() ? createWriteStream('', { fd }) : process.stdout;
}
