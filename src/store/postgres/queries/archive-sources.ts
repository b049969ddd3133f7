import type { ArchiveEntry, OwnedDetail } from '../../archive.ts';
import { type Change, RESOURCES } from '../../change.ts';
import type { Owner } from '../../owner.ts';
import { parseDetail } from '../../rules/parse-detail.ts';
import { parseRecord, type RecordProblem } from '../../rules/parse-record.ts';
import { TABLES } from '../tables/tables.ts';

/** Where the entries of one kind are read. */
export interface ArchiveSource {
  readonly kind: Change['resource'] | OwnedDetail['detail'];
  /** Selects `owner`, `id` and what else `parse` needs, sorted by owner and as an archive is. */
  readonly query: string;
  /** Rows per FETCH: they have 50 MB at most, and far less as a rule. */
  readonly fetchSize: number;
  /** The entries of a row without its owner, or why they are not valid. */
  parse(owner: Owner, row: Row): readonly (ArchiveEntry | RecordProblem)[];
}

type Row = Readonly<Record<string, unknown>>;

/** The sources of all entries, in the order of an archive. */
export const ARCHIVE_SOURCES: readonly ArchiveSource[] = [
  ...RESOURCES.map(recordSource),
  {
    kind: 'execution',
    query: `SELECT owner, run_id AS id, claims, CASE WHEN lease_holder IS NOT NULL THEN json_build_object(
        'holder', lease_holder, 'worker', lease_worker, 'seconds', lease_seconds,
        'endsAt', (extract(epoch FROM lease_ends_at) * 1000)::bigint) END AS lease,
        stored_events AS "storedEvents", sent_events AS "sentEvents", sent_bytes AS "sentBytes", last_seq AS "lastSeq",
        dropped_seq AS "droppedSeq", cancel_action AS "cancelAction", CASE WHEN reported_digest IS NOT NULL THEN
        json_build_object('digest', reported_digest, 'status', reported_status) END AS reported
      FROM agent_graphql.executions WHERE claims > 0 ORDER BY owner, run_id`,
    fetchSize: 250,
    parse: (owner, row) => [parseDetail('execution', owner, row)],
  },
  {
    kind: 'payload',
    query: `SELECT owner, run_id AS id, checkpoint, input, output FROM agent_graphql.run_payloads
      ORDER BY owner, run_id`,
    fetchSize: 25,
    parse: (owner, { id, ...payloads }) =>
      Object.entries(payloads)
        .filter(([, text]) => text !== null)
        .map(([name, text]) => parseDetail('payload', owner, { id, name, value: parseJson(text) })),
  },
  {
    kind: 'key',
    query: `SELECT owner, resource || ' ' || key AS id, record_id AS "recordId", digest
      FROM agent_graphql.idempotency_keys ORDER BY owner, resource, key`,
    fetchSize: 250,
    parse: (owner, row) => [parseDetail('key', owner, row)],
  },
  {
    kind: 'event',
    // Events that are not kept any more may still be there.
    query: `SELECT owner, run_id AS id, seq, attempt, type, data, at
      FROM agent_graphql.run_events JOIN agent_graphql.executions USING (owner, run_id)
      WHERE seq > dropped_seq ORDER BY owner, run_id, seq`,
    fetchSize: 250,
    parse: (owner, { data, ...row }) => [parseDetail('event', owner, { ...row, data: parseJson(data) })],
  },
];

function recordSource(resource: Change['resource']): ArchiveSource {
  const { name, columns } = TABLES[resource];
  return {
    kind: resource,
    query: `SELECT owner, ${columns} FROM ${name} ORDER BY owner, id`,
    fetchSize: 250,
    parse(owner, row) {
      const record = parseRecord(resource, owner, row);
      return ['problem' in record ? record : { owner, ...record }];
    },
  };
}

/** The value of a JSON text; undefined for what is none. */
function parseJson(text: unknown): unknown {
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
