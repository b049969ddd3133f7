import type { RunPayloads } from '../../execution.ts';
import { isId } from '../../rules/identity.ts';
import type { RunStore } from '../../stores.ts';
import { arrayLiteral } from '../client/array-literal.ts';
import { BatchLoader } from '../client/batch-loader.ts';
import type { StoreDependencies } from './dependencies.ts';

/** Reads payloads of runs: those of one kind that are asked for at the same time by one statement. */
export function createPayloadReader({ reader }: Pick<StoreDependencies, 'reader'>): RunStore['payload'] {
  const payloads = new BatchLoader<string, string | null>(reader);
  return (owner, id, name) => {
    if (!isId(id)) return null;
    return payloads.load(owner, name, id, async ({ sql, run }, ids) => {
      const rows = await run(sql<{ id: string; payload: RunPayloads[typeof name] }[]>`SELECT run_id AS id,
          ${sql(name)} AS payload
        FROM agent_graphql.run_payloads WHERE owner = ${owner} AND run_id = ANY(${arrayLiteral(ids)}::uuid[])`);
      const byId = new Map(rows.map((row) => [row.id, row.payload]));
      return ids.map((one) => byId.get(one) ?? null);
    });
  };
}
