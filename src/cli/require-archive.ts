import { ConfigError } from '../lib/config-error.ts';
import type { Archive } from '../store/archive.ts';
import { openArchive } from '../store/open-archive.ts';
import type { Storage } from '../store/storage.ts';

/** The archive of the storage that is configured. @throws ConfigError where none is */
export async function requireArchive(storage: Storage): Promise<Archive> {
  const archive = await openArchive(storage);
  if (archive === null) {
    throw new ConfigError(
      'DATA_DIR or DATABASE_URL must be set, to the folder or the database that holds the data.',
    );
  }
  return archive;
}
