import { z } from 'zod';
import { connected } from '../../support/postgres/admin.ts';

/** How many records alice has. */
export const ROWS = { threads: 1_000_000, assistants: 40_000, runs: 80_000 };
/** Other owners, who have a thread, an assistant and a run each. */
const OTHERS = 20_000;

const Indexes = z.array(z.object({ name: z.string(), definition: z.string() }));

/** The id of alice's nth record, from 1 on. */
export function idOf(place: number): string {
  return place.toString(16).padStart(32, '0');
}

/** When alice's nth record was made and changed, as {@link fill} has it: ten at a time. */
export function instantOf(place: number): string {
  return new Date(Date.parse('2026-01-01T00:00:00Z') + Math.floor(place / 10)).toISOString();
}

/** The name of alice's nth assistant. */
export function nameOf(place: number): string {
  return `name ${String(Math.floor(place / 10)).padStart(8, '0')}`;
}

/**
 * Fills the tables of an empty database. Most indexes are left out meanwhile, and then made by their own definitions.
 * @param adminUrl as a superuser
 */
export async function fill(adminUrl: string): Promise<void> {
  await connected(adminUrl, async (sql) => {
    const indexes = Indexes.parse(
      await sql`SELECT schemaname || '.' || indexname AS name, indexdef AS definition FROM pg_indexes
        WHERE schemaname = 'agent_graphql' AND indexdef NOT LIKE 'CREATE UNIQUE%'`,
    );
    await sql.unsafe(`SET synchronous_commit = off; SET maintenance_work_mem = '128MB';
      DROP INDEX ${indexes.map(({ name }) => name).join(', ')}`);
    for (const statement of FILL) await sql.unsafe(statement);
    for (const { definition } of indexes) await sql.unsafe(definition);
    await sql.unsafe('ANALYZE agent_graphql.threads, agent_graphql.assistants, agent_graphql.runs');
  });
}

const ID = `lpad(to_hex(i), 32, '0')::uuid`;
const TIME = `'2026-01-01T00:00:00Z'::timestamptz + i / 10 * interval '1 ms'`;

/** Labels of alice's nth record: often the same, and three times a rare one. */
function labels(count: number): string {
  return `CASE WHEN i % ${count / 4} = 0 AND i < ${count} THEN '{"owner":"alice","often":[1],"rare":"yes"}'::json
    ELSE '{"owner":"alice","often":[1]}'::json END`;
}

/** Runs: one for each thread and assistant, and the first of either has half of them besides. */
const FILL = [
  `INSERT INTO agent_graphql.threads (owner, id, status, metadata, created_at, updated_at)
    SELECT 'alice', ${ID}, 'IDLE', ${labels(ROWS.threads)}, ${TIME}, ${TIME}
    FROM generate_series(1, ${ROWS.threads}) i`,
  `INSERT INTO agent_graphql.assistants (owner, id, graph_id, name, folded_name, config, context, metadata, version,
      created_at, updated_at)
    SELECT 'alice', ${ID}, 'graph', name, upper(name), '{}', '{}', ${labels(ROWS.assistants)}, 1, ${TIME}, ${TIME}
    FROM generate_series(1, ${ROWS.assistants}) i, LATERAL (SELECT 'name ' || lpad((i / 10)::text, 8, '0')) n (name)`,
  `INSERT INTO agent_graphql.runs (owner, id, thread_id, assistant_id, status, ended, metadata, created_at, updated_at)
    SELECT 'alice', ${ID}, lpad(to_hex(parent), 32, '0')::uuid, lpad(to_hex(parent), 32, '0')::uuid, 'SUCCESS', i,
      ${labels(ROWS.runs)}, ${TIME}, ${TIME}
    FROM generate_series(1, ${ROWS.runs}) i,
      LATERAL (SELECT CASE WHEN i % 2 = 0 THEN 1 ELSE i / 2 + 1 END) p (parent)`,
  `INSERT INTO agent_graphql.threads (owner, id, status, metadata, created_at, updated_at)
    SELECT 'owner ' || i, ${ID}, 'IDLE', json_build_object('owner', 'owner ' || i), ${TIME}, ${TIME}
    FROM generate_series(1, ${OTHERS}) i`,
  `INSERT INTO agent_graphql.assistants (owner, id, graph_id, name, folded_name, config, context, metadata, version,
      created_at, updated_at)
    SELECT 'owner ' || i, ${ID}, 'graph', 'name', 'NAME', '{}', '{}', json_build_object('owner', 'owner ' || i), 1,
      ${TIME}, ${TIME}
    FROM generate_series(1, ${OTHERS}) i`,
  `INSERT INTO agent_graphql.runs (owner, id, thread_id, assistant_id, status, ended, metadata, created_at, updated_at)
    SELECT 'owner ' || i, ${ID}, ${ID}, ${ID}, 'SUCCESS', 1, json_build_object('owner', 'owner ' || i), ${TIME}, ${TIME}
    FROM generate_series(1, ${OTHERS}) i`,
];
