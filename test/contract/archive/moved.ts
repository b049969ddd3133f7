import { readdirSync } from 'node:fs';
import { Readable, Writable } from 'node:stream';
import { ArchiveReader } from '../../../src/cli/archive/archive-reader.ts';
import { writeArchive } from '../../../src/cli/archive/write-archive.ts';
import type { Archive } from '../../../src/store/archive.ts';
import { StoreError } from '../../../src/store/store-error.ts';

/** The file that an export writes. */
export async function exportOf(archive: Archive): Promise<string> {
  const parts: Buffer[] = [];
  const output = new Writable({
    write(chunk: Buffer, _, done) {
      parts.push(chunk);
      done();
    },
  });
  await writeArchive(archive, output);
  return Buffer.concat(parts).toString();
}

/** Imports a file. */
export async function importInto(archive: Archive, file: string | Buffer): Promise<void> {
  await archive.fill(new ArchiveReader().read(Readable.from([Buffer.from(file)])));
}

/** What is said to a move that is refused. */
export async function refusalOf(move: Promise<unknown>): Promise<string> {
  try {
    await move;
  } catch (error) {
    if (error instanceof StoreError) return error.message;
    throw error;
  }
  throw new Error('It was not refused.');
}

/** The files in a folder that are more than a lock. */
export function filesIn(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => !name.endsWith('lock'));
}
