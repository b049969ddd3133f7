import { printedSchema } from '../src/schema/schema.ts';
import { generate } from './generate.ts';

/** Writes schema.graphql from the code; with `--check`, fails when it is not what the code says. */
generate('schema.graphql', printedSchema(), 'npm run schema');
