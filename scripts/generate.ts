import { readFileSync, writeFileSync } from 'node:fs';

/**
 * Writes a generated file. With `--check` among the arguments of the process it writes nothing, and the process fails
 * where the file is not what it should be.
 * @param name from the project's root
 * @param command generates the file
 */
export function generate(name: string, text: string, command: string): void {
  const file = new URL(name, ROOT);
  if (!process.argv.includes('--check')) return writeFileSync(file, text);
  if (readFileSync(file, 'utf8') === text) return;
  console.error(`${name} is not what the code says: run \`${command}\` and commit it.`);
  process.exitCode = 1;
}

/** The project's root. */
export const ROOT = new URL('../', import.meta.url);
