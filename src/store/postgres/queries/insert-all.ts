import type { Stored } from '../../archive.ts';
import type { Change } from '../../change.ts';
import type { Owner } from '../../owner.ts';
import { foldCase } from '../../rules/text.ts';
import type { Transaction } from '../client/pool.ts';
import { TABLES } from './rows.ts';

/** Columns with their types, by the names that records have for them. */
const COLUMNS: Readonly<
  Record<Change['resource'], readonly (readonly [column: string, key: string, type: string])[]>
> = {
  assistant: [
    ['id', 'id', 'uuid'],
    ['graph_id', 'graphId', 'text'],
    ['name', 'name', 'text'],
    ['folded_name', 'foldedName', 'text'],
    ['description', 'description', 'text'],
    ['config', 'config', 'json'],
    ['context', 'context', 'json'],
    ['metadata', 'metadata', 'json'],
    ['version', 'version', 'integer'],
    ['created_at', 'createdAt', 'timestamptz'],
    ['updated_at', 'updatedAt', 'timestamptz'],
  ],
  thread: [
    ['id', 'id', 'uuid'],
    ['status', 'status', 'text'],
    ['metadata', 'metadata', 'json'],
    ['created_at', 'createdAt', 'timestamptz'],
    ['updated_at', 'updatedAt', 'timestamptz'],
  ],
  run: [
    ['id', 'id', 'uuid'],
    ['thread_id', 'threadId', 'uuid'],
    ['assistant_id', 'assistantId', 'uuid'],
    ['status', 'status', 'text'],
    ['ended', 'ended', 'bigint'],
    ['metadata', 'metadata', 'json'],
    ['created_at', 'createdAt', 'timestamptz'],
    ['updated_at', 'updatedAt', 'timestamptz'],
  ],
};

/** Inserts records into empty tables, and lets PostgreSQL know what they are like. */
export async function insertAll(tx: Transaction, records: AsyncIterable<readonly Stored[]>): Promise<void> {
  let owner: Owner | null = null;
  let sent: Promise<unknown> = Promise.resolve();
  for await (const some of records) {
    const statements: Promise<unknown>[] = [];
    for (const together of groups(some)) {
      const [first] = together;
      if (first === undefined) continue;
      if (first.owner !== owner) statements.push(nameOwner(tx, (owner = first.owner)));
      statements.push(insert(tx, first, together));
    }
    const now = Promise.all(statements);
    // Whoever waits for it hears of it.
    now.catch(() => {});
    // The next lines are read while these are stored.
    await sent;
    sent = now;
  }
  await sent;
  for (const { name } of Object.values(TABLES)) await tx.run(tx.sql.unsafe(`ANALYZE ${name}`));
}

/** Records of one owner and kind together, in their order. */
function groups(records: readonly Stored[]): readonly (readonly Stored[])[] {
  const all: Stored[][] = [];
  for (const record of records) {
    const last = all.at(-1);
    const [first] = last ?? [];
    if (first?.owner === record.owner && first.resource === record.resource) last?.push(record);
    else all.push([record]);
  }
  return all;
}

async function nameOwner({ sql, run }: Transaction, owner: Owner): Promise<void> {
  await run(sql`SELECT set_config('agent_graphql.owner', ${owner}, true)`);
}

async function insert(
  { sql, run }: Transaction,
  { owner, resource }: Stored,
  records: readonly Stored[],
): Promise<void> {
  const columns = COLUMNS[resource];
  const names = columns.map(([column]) => column).join(', ');
  const keys = columns.map(([, key]) => `"${key}"`).join(', ');
  const types = columns.map(([, key, type]) => `"${key}" ${type}`).join(', ');
  await run(sql`INSERT INTO ${sql.unsafe(TABLES[resource].name)} (owner, ${sql.unsafe(names)})
    SELECT ${owner}, ${sql.unsafe(keys)}
    FROM json_to_recordset(${JSON.stringify(records.map(toRow))}::text::json) AS rows (${sql.unsafe(types)})`);
}

function toRow({ resource, after }: Stored): object {
  return resource === 'assistant' ? { ...after, foldedName: foldCase(after.name) } : after;
}
