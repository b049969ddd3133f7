import { lexicographicSortSchema, printSchema } from 'graphql';
import './assistant.ts';
import { builder } from './builder.ts';
import './cancel-run.ts';
import './date-time.ts';
import './json-object.ts';
import './node.ts';
import './run-event.ts';
import './run.ts';
import './thread.ts';
import './worker.ts';

builder.queryType({
  description: "A look-up answers null for what does not exist and for what is another owner's, alike.",
});
builder.mutationType({
  description: "Changes to the caller's resources. An update leaves what it does not name as it is.",
});
builder.subscriptionType({ description: "Changes to the caller's resources, as they happen." });

/** The whole API. */
export const schema = builder.toSchema({ sortSchema: false });

/** The text of schema.graphql. */
export function printedSchema(): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`;
}
