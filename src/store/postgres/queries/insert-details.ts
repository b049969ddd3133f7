import type { OwnedDetail } from '../../archive.ts';
import type { Owner } from '../../owner.ts';
import { instant } from '../../rules/identity.ts';
import type { Transaction } from '../client/pool.ts';

/** The tables of details. */
export const DETAIL_TABLES: readonly string[] = [
  'agent_graphql.executions',
  'agent_graphql.run_payloads',
  'agent_graphql.idempotency_keys',
  'agent_graphql.run_events',
];

/** Inserts details of one kind and owner, whose records are there, with the executions of runs before their events. */
export async function insertDetails(
  tx: Transaction,
  owner: Owner,
  kind: OwnedDetail['detail'],
  details: readonly OwnedDetail[],
): Promise<void> {
  await INSERTS[kind](tx, owner, JSON.stringify(details.map(toRow)));
}

/** @param rows JSON */
type Insert = (tx: Transaction, owner: Owner, rows: string) => Promise<unknown>;

const INSERTS: Readonly<Record<OwnedDetail['detail'], Insert>> = {
  // What is due is found out by the sweeper. The graph of a run that has ended does not matter.
  execution: ({ sql, run }, owner, rows) =>
    run(sql`INSERT INTO agent_graphql.executions (owner, run_id, thread_id, graph_id,
      created_at, is_active, has_begun, available_at, finished_at, due_at, claims, lease_holder, lease_worker,
      lease_seconds, lease_ends_at, stored_events, sent_events, sent_bytes, last_seq, dropped_seq, cancel_action,
      reported_digest, reported_status)
    SELECT ${owner}, runs.id, thread_id, coalesce(graph_id, ''), runs.created_at, ended IS NULL, status <> 'PENDING',
      available_at, finished_at, CASE WHEN status = 'RUNNING' THEN '-infinity'::timestamptz END, claims, "leaseHolder",
      "leaseWorker", "leaseSeconds", "leaseEndsAt", "storedEvents", "sentEvents", "sentBytes", "lastSeq", "droppedSeq",
      "cancelAction", "reportedDigest", "reportedStatus"
    FROM json_to_recordset(${rows}::text::json) AS rows (id uuid, claims integer, "leaseHolder" text, "leaseWorker" text, "leaseSeconds" integer,
      "leaseEndsAt" timestamptz, "storedEvents" integer, "sentEvents" integer, "sentBytes" integer, "lastSeq" integer,
      "droppedSeq" integer, "cancelAction" text, "reportedDigest" text, "reportedStatus" text)
    JOIN agent_graphql.runs ON runs.owner = ${owner} AND runs.id = rows.id
    LEFT JOIN agent_graphql.assistants ON assistants.owner = ${owner} AND assistants.id = runs.assistant_id`),

  // Each payload is an entry of its own, and those of a run can be in two batches.
  payload: ({ sql, run }, owner, rows) =>
    run(sql`INSERT INTO agent_graphql.run_payloads AS stored
      (owner, run_id, input, output, checkpoint)
    SELECT ${owner}, id, max(value) FILTER (WHERE name = 'input'), max(value) FILTER (WHERE name = 'output'),
      max(value) FILTER (WHERE name = 'checkpoint')
    FROM json_to_recordset(${rows}::text::json) AS rows (id uuid, name text, value text) GROUP BY id
    ON CONFLICT (owner, run_id) DO UPDATE SET input = coalesce(stored.input, excluded.input),
      output = coalesce(stored.output, excluded.output), checkpoint = coalesce(stored.checkpoint, excluded.checkpoint)`),

  key: ({ sql, run }, owner, rows) =>
    run(sql`INSERT INTO agent_graphql.idempotency_keys (owner, resource, key, record_id, digest)
    SELECT ${owner}, split_part(id, ' ', 1), split_part(id, ' ', 2), "recordId", digest
    FROM json_to_recordset(${rows}::text::json) AS rows (id text, "recordId" uuid, digest text)`),

  // The events of a run can be in several batches, the first of them in the first one.
  event: ({ sql, run }, owner, rows) =>
    run(sql`WITH rows AS (
      SELECT * FROM json_to_recordset(${rows}::text::json) AS rows (id uuid, seq integer, attempt integer, type text, data text, at timestamptz)
    ), inserted AS (
      INSERT INTO agent_graphql.run_events (owner, run_id, seq, attempt, type, data, at)
      SELECT ${owner}, id, seq, attempt, type, data, at FROM rows
    )
    UPDATE agent_graphql.executions SET events_from = first_at
    FROM (SELECT id, min(at) AS first_at FROM rows GROUP BY id) AS first
    WHERE owner = ${owner} AND run_id = first.id AND events_from IS NULL`),
};

function toRow(entry: OwnedDetail): object {
  const { id } = entry;
  switch (entry.detail) {
    case 'execution': {
      const { lease, reported, ...counts } = entry.value;
      return {
        id,
        ...counts,
        leaseHolder: lease?.holder ?? null,
        leaseWorker: lease?.worker ?? null,
        leaseSeconds: lease?.seconds ?? null,
        leaseEndsAt: lease === null ? null : instant(lease.endsAt),
        reportedDigest: reported?.digest ?? null,
        reportedStatus: reported?.status ?? null,
      };
    }
    case 'payload':
      return { id, name: entry.name, value: entry.value };
    case 'key':
    case 'event':
      return { id, ...entry.value };
  }
}
