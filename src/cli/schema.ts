import { printedSchema } from '../schema/schema.ts';
import type { Command } from './command.ts';

/** Prints the schema. */
export const schema: Command = {
  name: 'schema',
  summary: 'Prints the GraphQL schema, in its definition language.',
  options: {},
  async run() {
    process.stdout.write(printedSchema());
    return null;
  },
};
