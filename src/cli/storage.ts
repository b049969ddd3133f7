import { ConfigError } from '../config.ts';
import { type Archive, openArchive, type Storage } from '../store/archive.ts';

/** The stores that the environment names. @throws ConfigError where it names none */
export async function openNamed(storage: Storage): Promise<Archive> {
  const archive = await openArchive(storage);
  if (archive === null) {
    throw new ConfigError(
      'DATA_DIR or DATABASE_URL must be set, to the folder or the database that holds the data.',
    );
  }
  return archive;
}
