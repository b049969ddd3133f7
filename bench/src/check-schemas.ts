import { readFileSync } from 'node:fs';
import { buildSchema, findBreakingChanges, lexicographicSortSchema, printSchema } from 'graphql';
import { createFilledStores } from './data.ts';
import { createPothosSchema } from './peers/pothos-schema.ts';
import { SDL } from './sdl.ts';

/** Throws unless all GraphQL systems serve the same schema, and that one is a part of the server's own. */
export function checkSchemas(): void {
  const subset = buildSchema(SDL);
  const whole = buildSchema(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8'));
  const [difference] = findBreakingChanges(subset, whole);
  if (difference !== undefined) throw new Error(`bench/src/sdl.ts: ${difference.description}`);

  const pothos = createPothosSchema(createFilledStores(0), async function* () {});
  if (printSchema(lexicographicSortSchema(pothos)) !== printSchema(lexicographicSortSchema(subset))) {
    throw new Error('bench/src/peers/pothos-schema.ts and bench/src/sdl.ts are not the same schema.');
  }
}
