import { createWriteStream, fstatSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { describeCounts } from './archive/format.ts';
import { writeFile } from './archive/write-file.ts';
import { runCommand } from './run-command.ts';
import { openNamed } from './storage.ts';

/** Writes all data to stdout. */
await runCommand(async (storage) => {
  const archive = await openNamed(storage);
  const counts = await writeFile(archive, openOutput());
  return `Exported ${describeCounts(counts)}.`;
});

/** Node.js's own stdout takes a part of a chunk for all of it when a disk is full. */
function openOutput(): Writable {
  const { fd } = process.stdout;
  return fstatSync(fd).isFile() ? createWriteStream('', { fd }) : process.stdout;
}
