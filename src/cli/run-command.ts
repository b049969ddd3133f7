import { ConfigError, readConfig } from '../config.ts';
import type { Storage } from '../store/archive.ts';
import { StoreError } from '../store/store-error.ts';

/** The variables that commands read: the server's others may be wrong or missing. */
const NAMES = [
  'DATA_DIR',
  'DATABASE_URL',
  'DATABASE_POOL_SIZE',
  'DATABASE_STATEMENT_TIMEOUT',
  'DATABASE_CONNECT_TIMEOUT',
];

/**
 * Runs a command as this process: ends with 0, or with 1 and a line that says why.
 * @param command resolves to what is to be said of it on stderr
 */
export async function runCommand(command: (storage: Storage) => Promise<string>): Promise<void> {
  try {
    end(await command(readConfig(Object.fromEntries(NAMES.map((name) => [name, process.env[name]])))), 0);
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof StoreError)) throw error;
    end(error.message, 1);
  }
}

/** Not by itself: whoever writes to stdin may go on for long. */
function end(line: string, code: number): void {
  process.stderr.write(`${line}\n`, () => process.exit(code));
}
