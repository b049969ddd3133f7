import type { OwnedDetail } from '../../archive.ts';
import { isObject } from '../../../lib/is-object.ts';
import type { Owner } from '../../owner.ts';
import { parseDetail } from '../../rules/parse-detail.ts';
import { StoreError } from '../../store-error.ts';
import { EXECUTION_COLUMNS, parseExecutionRow } from '../queue/executions.ts';
import type { EntrySource } from './read-all-records.ts';

type Kind = OwnedDetail['detail'];
type Row = Readonly<Record<string, unknown>>;

/** How the details of a kind are read, and made what `parseDetail` accepts. */
interface DetailSource extends Pick<EntrySource, 'query' | 'fetchSize'> {
  given(row: Row): unknown;
}

const SOURCES: Readonly<Record<Kind, DetailSource>> = {
  execution: {
    // An active run has a row as soon as it waits: nothing has happened to it yet.
    query: `SELECT owner, ${EXECUTION_COLUMNS} FROM agent_graphql.executions
      WHERE NOT is_active OR claims > 0 ORDER BY owner, run_id`,
    fetchSize: 250,
    given: parseExecutionRow,
  },
  payload: {
    query: `SELECT owner, run_id AS id, name, value FROM agent_graphql.run_payloads
      CROSS JOIN LATERAL (VALUES ('checkpoint', checkpoint), ('input', input), ('output', output)) AS named (name, value)
      WHERE value IS NOT NULL ORDER BY owner, run_id, name COLLATE "C"`,
    // Up to 512 KiB each.
    fetchSize: 20,
    given: ({ id, name, value }) => ({ id, name, value: parseText(value) }),
  },
  key: {
    query: `SELECT owner, resource || ' ' || key AS id, record_id AS "recordId", digest
      FROM agent_graphql.idempotency_keys ORDER BY owner, resource COLLATE "C", key`,
    fetchSize: 1_000,
    given: (row) => row,
  },
  event: {
    // Up to 64 KiB each. Those that are not kept any more may still be there.
    query: `SELECT run_events.owner, run_events.run_id AS id, seq, attempt, type, data, at
      FROM agent_graphql.run_events JOIN agent_graphql.executions
        ON executions.owner = run_events.owner AND executions.run_id = run_events.run_id
      WHERE seq > dropped_seq ORDER BY run_events.owner, run_events.run_id, seq`,
    fetchSize: 150,
    given: ({ data, ...row }) => ({ ...row, data: parseText(data) }),
  },
};

/** The details of a kind of all owners, in the order of an archive. */
export function detailSource(kind: Kind): EntrySource {
  const { given, ...source } = SOURCES[kind];
  return { ...source, name: kind, parse: (owner, row) => parse(kind, owner, given(row)) };
}

function parse(kind: Kind, owner: Owner, given: unknown): OwnedDetail {
  const detail = parseDetail(kind, owner, given);
  if (!('problem' in detail)) return detail;
  const id = isObject(given) ? String(given.id) : '';
  throw new StoreError(
    `DATABASE_URL names a database with an invalid record: the ${kind} ${id} ${detail.problem}.`,
  );
}

function parseText(text: unknown): unknown {
  if (typeof text !== 'string') return null;
  const value: unknown = JSON.parse(text);
  return value;
}
