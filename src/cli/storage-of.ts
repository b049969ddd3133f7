import { readConfig } from '../config.ts';
import { ConfigError } from '../lib/config-error.ts';
import type { Archive } from '../store/archive.ts';
import { openArchive } from '../store/open-archive.ts';
import type { Storage } from '../store/storage.ts';
import type { Environment, Option } from './command.ts';

/** The option that names the folder of a storage. */
export const DATA_OPTION: Option = {
  value: 'folder',
  variable: 'DATA_DIR',
  description: 'The folder that holds the data. Default: the database of DATABASE_URL.',
};

/** The variables of a storage. The server's other variables may be invalid or missing. */
const VARIABLES = [
  'DATA_DIR',
  'DATABASE_URL',
  'DATABASE_POOL_SIZE',
  'DATABASE_STATEMENT_TIMEOUT',
  'DATABASE_CONNECT_TIMEOUT',
];

/** The storage that is configured. @throws ConfigError about the first of its variables that is wrong */
export function storageOf(env: Environment): Storage {
  return readConfig(Object.fromEntries(VARIABLES.map((name) => [name, env[name]])));
}

/** The archive of the storage that is configured. @throws ConfigError where none is */
export async function archiveOf(env: Environment): Promise<Archive> {
  const archive = await openArchive(storageOf(env));
  if (archive === null) {
    throw new ConfigError(
      'DATA_DIR or DATABASE_URL must be set, to the folder or the database that holds the data.',
    );
  }
  return archive;
}
