import { z } from 'zod';
import { connected } from '../../support/postgres/admin.ts';

/** How many owners have runs that wait. */
export const OWNERS = 10_000;
/** How many each of them has. */
const RUNS_OF_OWNER = 100;
/** How many runs of alice wait on one thread. */
export const ACTIVE_OF_ALICE = 100_000;

const Indexes = z.array(z.object({ name: z.string(), definition: z.string() }));

/**
 * Fills the queue of an empty database. Most indexes are left out meanwhile, and then made by their own definitions.
 * @param adminUrl as a superuser
 */
export async function fillQueue(adminUrl: string): Promise<void> {
  await connected(adminUrl, async (sql) => {
    const indexes = Indexes.parse(
      await sql`SELECT schemaname || '.' || indexname AS name, indexdef AS definition FROM pg_indexes
        WHERE schemaname = 'agent_graphql' AND tablename IN ('runs', 'threads', 'executions')
          AND indexdef NOT LIKE 'CREATE UNIQUE%'`,
    );
    await sql.unsafe(`SET synchronous_commit = off; SET maintenance_work_mem = '128MB';
      DROP INDEX ${indexes.map(({ name }) => name).join(', ')}`);
    for (const statement of FILL) await sql.unsafe(statement);
    for (const { definition } of indexes) await sql.unsafe(definition);
    await sql.unsafe('ANALYZE');
  });
}

/** The nth owner, whose names are sorted. */
const OWNER = `'owner ' || lpad(o::text, 5, '0')`;
const TIME = `'2026-01-01T00:00:00Z'::timestamptz + i * interval '1 s'`;
/** The id of an owner's nth record. */
const ID = `lpad(to_hex(o::bigint * 1000000 + i), 32, '0')::uuid`;
/** The id of alice's nth record. */
const ALICES = `lpad(to_hex(i), 32, '0')::uuid`;
const METADATA = (owner: string): string => `json_build_object('owner', ${owner})`;

/**
 * Each owner has waiting runs on threads of their own. Only the record of the first one is there, and its thread: others
 * would be read after that one alone.
 */
const FILL = [
  `INSERT INTO agent_graphql.assistants (owner, id, graph_id, name, folded_name, config, context, metadata, version,
      created_at, updated_at)
    SELECT ${OWNER}, ${ID}, 'graph', 'n', 'N', '{}'::json, '{}'::json, ${METADATA(OWNER)}, 1, ${TIME}, ${TIME}
    FROM generate_series(1, ${OWNERS}) o, generate_series(1, 1) i
    UNION ALL SELECT 'alice', ${ALICES}, CASE i WHEN 1 THEN 'graph' ELSE 'thread' END, 'n', 'N', '{}'::json, '{}'::json,
      ${METADATA("'alice'")}, 1, ${TIME}, ${TIME} FROM generate_series(1, 2) i`,
  `INSERT INTO agent_graphql.threads (owner, id, status, metadata, created_at, updated_at)
    SELECT ${OWNER}, ${ID}, 'BUSY', ${METADATA(OWNER)}, ${TIME}, ${TIME}
    FROM generate_series(1, ${OWNERS}) o, generate_series(1, 1) i
    UNION ALL SELECT 'alice', ${ALICES}, 'BUSY', ${METADATA("'alice'")}, ${TIME}, ${TIME} FROM generate_series(1, 2) i`,
  `INSERT INTO agent_graphql.runs (owner, id, thread_id, assistant_id, status, available_at, metadata, created_at,
      updated_at)
    SELECT ${OWNER}, ${ID}, ${ID}, ${ID}, 'PENDING', ${TIME}, ${METADATA(OWNER)}, ${TIME}, ${TIME}
    FROM generate_series(1, ${OWNERS}) o, generate_series(1, 1) i
    UNION ALL SELECT 'alice', ${ALICES}, lpad(to_hex(least(i, 2)), 32, '0')::uuid,
      lpad(to_hex(least(i, 2)), 32, '0')::uuid, 'PENDING', ${TIME}, ${METADATA("'alice'")}, ${TIME}, ${TIME}
    FROM generate_series(1, ${ACTIVE_OF_ALICE}) i`,
  `INSERT INTO agent_graphql.executions (owner, run_id, thread_id, graph_id, created_at, is_active, has_begun,
      available_at, head)
    SELECT ${OWNER}, ${ID}, ${ID}, 'graph', ${TIME}, true, false, ${TIME}, 'READY'
    FROM generate_series(1, ${OWNERS}) o, generate_series(1, ${RUNS_OF_OWNER}) i
    UNION ALL SELECT 'alice', ${ALICES}, lpad(to_hex(least(i, 2)), 32, '0')::uuid, CASE i WHEN 1 THEN 'graph' ELSE 'thread' END,
      ${TIME}, true, false, ${TIME}, CASE WHEN i <= 2 THEN 'READY' END
    FROM generate_series(1, ${ACTIVE_OF_ALICE}) i`,
];
