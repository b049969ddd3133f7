import type { Archive } from './archive.ts';
import type { Storage } from './storage.ts';

/** Opens the storage that is configured, without loading the code of any other; null where none is configured. */
export async function openArchive({ dataDir, database }: Storage): Promise<Archive | null> {
  if (dataDir !== null) {
    const { diskArchive } = await import('./disk/archive.ts');
    return diskArchive(dataDir);
  }
  if (database !== null) {
    const { postgresArchive } = await import('./postgres/archive.ts');
    return postgresArchive(database);
  }
  return null;
}
