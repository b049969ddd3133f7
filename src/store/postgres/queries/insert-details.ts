import type { OwnedDetail } from '../../archive.ts';
import type { Owner } from '../../owner.ts';
import { instant } from '../../rules/identity.ts';
import type { Transaction } from '../client/pool.ts';

/** Inserts details of one owner and kind, whose records are there already. The statement is sent at once. */
export async function insertDetails(
  { sql, run }: Transaction,
  owner: Owner,
  details: readonly OwnedDetail[],
): Promise<void> {
  const rows = JSON.stringify(details.map(toRow));
  switch (details[0]?.detail) {
    case 'execution':
      // What is due is found out by the sweeper. Events are not older than the run's start.
      await run(sql`INSERT INTO agent_graphql.executions (owner, run_id, thread_id, graph_id, created_at, is_active,
          has_begun, available_at, finished_at, due_at, events_from, claims, lease_holder, lease_worker, lease_seconds,
          lease_ends_at, stored_events, sent_events, sent_bytes, last_seq, dropped_seq, cancel_action, reported_digest,
          reported_status)
        SELECT ${owner}, runs.id, thread_id, coalesce(graph_id, ''), runs.created_at, ended IS NULL, status <> 'PENDING',
          available_at, finished_at, CASE WHEN ended IS NULL THEN '-infinity'::timestamptz END,
          CASE WHEN "lastSeq" > "droppedSeq" THEN coalesce(started_at, runs.created_at) END,
          claims, holder, "leaseWorker", "leaseSeconds", "leaseEndsAt", "storedEvents", "sentEvents", "sentBytes",
          "lastSeq", "droppedSeq", "cancelAction", "reportedDigest", "reportedStatus"
        FROM json_to_recordset(${rows}::text::json) AS rows (id uuid, claims integer, holder text, "leaseWorker" text,
          "leaseSeconds" integer, "leaseEndsAt" timestamptz, "storedEvents" integer, "sentEvents" integer,
          "sentBytes" integer, "lastSeq" integer, "droppedSeq" integer, "cancelAction" text, "reportedDigest" text,
          "reportedStatus" text)
        JOIN agent_graphql.runs ON runs.owner = ${owner} AND runs.id = rows.id
        LEFT JOIN agent_graphql.assistants ON assistants.owner = ${owner} AND assistants.id = runs.assistant_id`);
      break;
    case 'payload':
      await run(sql`INSERT INTO agent_graphql.run_payloads AS stored (owner, run_id, checkpoint, input, output)
        SELECT ${owner}, id, max(value) FILTER (WHERE name = 'checkpoint'), max(value) FILTER (WHERE name = 'input'),
          max(value) FILTER (WHERE name = 'output')
        FROM json_to_recordset(${rows}::text::json) AS rows (id uuid, name text, value text) GROUP BY id
        ON CONFLICT (owner, run_id) DO UPDATE SET checkpoint = coalesce(excluded.checkpoint, stored.checkpoint),
          input = coalesce(excluded.input, stored.input), output = coalesce(excluded.output, stored.output)`);
      break;
    case 'key':
      await run(sql`INSERT INTO agent_graphql.idempotency_keys (owner, resource, key, record_id, digest)
        SELECT ${owner}, split_part(id, ' ', 1), split_part(id, ' ', 2), "recordId", digest
        FROM json_to_recordset(${rows}::text::json) AS rows (id text, "recordId" uuid, digest text)`);
      break;
    case 'event':
      await run(sql`INSERT INTO agent_graphql.run_events (owner, run_id, seq, attempt, type, data, at)
        SELECT ${owner}, id, seq, attempt, type, data, at
        FROM json_to_recordset(${rows}::text::json)
          AS rows (id uuid, seq integer, attempt integer, type text, data text, at timestamptz)`);
      break;
    case undefined:
  }
}

function toRow(detail: OwnedDetail): object {
  const { id } = detail;
  switch (detail.detail) {
    case 'payload':
      return { id, name: detail.name, value: detail.value };
    case 'execution': {
      const { lease, reported, ...counts } = detail.value;
      return {
        id,
        ...counts,
        holder: lease?.holder ?? null,
        leaseWorker: lease?.worker ?? null,
        leaseSeconds: lease?.seconds ?? null,
        leaseEndsAt: lease === null ? null : instant(lease.endsAt),
        reportedDigest: reported?.digest ?? null,
        reportedStatus: reported?.status ?? null,
      };
    }
    default:
      return { id, ...detail.value };
  }
}
