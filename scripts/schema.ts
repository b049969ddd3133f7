import { readFileSync, writeFileSync } from 'node:fs';
import { printedSchema } from '../src/schema/schema.ts';

/** Writes schema.graphql from the code; with `--check`, fails when it is not what the code says. */
const file = new URL('../schema.graphql', import.meta.url);

if (!process.argv.includes('--check')) {
  writeFileSync(file, printedSchema());
} else if (readFileSync(file, 'utf8') !== printedSchema()) {
  console.error('schema.graphql is not what the code says: run `npm run schema` and commit it.');
  process.exitCode = 1;
}
