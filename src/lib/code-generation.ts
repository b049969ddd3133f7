import { ConfigError } from './config-error.ts';

/**
 * Checks that functions can be created from text, as the executor creates one for each list of fields.
 * @see https://nodejs.org/api/cli.html#--disallow-code-generation-from-strings
 * @throws ConfigError
 */
export function assertCodeGeneration(): void {
  try {
    // oxlint-disable-next-line no-new, no-implied-eval -- It is created only to see whether it can be.
    new Function('');
  } catch {
    throw new ConfigError('Start Node.js without --disallow-code-generation-from-strings.');
  }
}
