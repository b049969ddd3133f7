import { readConfig } from '../config.ts';
import { ConfigError } from '../lib/config-error.ts';
import type { Storage } from '../store/storage.ts';
import { StoreError } from '../store/store-error.ts';

/** The variables that commands read. The server's other variables may be invalid or missing. */
const VARIABLES = [
  'DATA_DIR',
  'DATABASE_URL',
  'DATABASE_POOL_SIZE',
  'DATABASE_STATEMENT_TIMEOUT',
  'DATABASE_CONNECT_TIMEOUT',
];

/**
 * Runs a command and ends the process: with exit code 0, or with 1 and one line on stderr that says why.
 * @param command resolves to the line that is written to stderr when it succeeds
 */
export async function runCommand(command: (storage: Storage) => Promise<string>): Promise<void> {
  try {
    exit(
      await command(readConfig(Object.fromEntries(VARIABLES.map((name) => [name, process.env[name]])))),
      0,
    );
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof StoreError)) throw error;
    exit(error.message, 1);
  }
}

/** Ends the process explicitly: an open stdin would keep it alive. */
function exit(line: string, code: number): void {
  process.stderr.write(`${line}\n`, () => process.exit(code));
}
