import type { PendingQuery, Row } from 'postgres';
import { NO_EXECUTION, type Execution, type RunState } from '../../execution.ts';
import { asOwner, type Owner } from '../../owner.ts';
import type { CancelAction, Run, RunStatus } from '../../records.ts';
import { nextDeadline } from '../../rules/execution/deadlines.ts';
import { instant } from '../../rules/identity.ts';
import { arrayLiteral } from '../client/array-literal.ts';
import type { Transaction } from '../client/pool.ts';

/** A row of the table `executions`, as far as records do not have it. */
interface ExecutionRow {
  readonly runId: string;
  readonly claims: number;
  readonly holder: string | null;
  readonly leaseWorker: string | null;
  readonly leaseSeconds: number | null;
  readonly leaseEndsAt: number | null;
  readonly storedEvents: number;
  readonly sentEvents: number;
  readonly sentBytes: number;
  readonly lastSeq: number;
  readonly droppedSeq: number;
  readonly cancelAction: CancelAction | null;
  readonly reportedDigest: string | null;
  readonly reportedStatus: RunStatus | null;
}

/** The select list of an execution. */
const EXECUTION_COLUMNS = `run_id AS "runId", claims, lease_holder AS holder, lease_worker AS "leaseWorker",
  lease_seconds AS "leaseSeconds", (extract(epoch FROM lease_ends_at) * 1000)::float8 AS "leaseEndsAt",
  stored_events AS "storedEvents", sent_events AS "sentEvents", sent_bytes AS "sentBytes", last_seq AS "lastSeq",
  dropped_seq AS "droppedSeq", cancel_action AS "cancelAction", reported_digest AS "reportedDigest",
  reported_status AS "reportedStatus"`;

/** How rows are locked: `FOR UPDATE`, no other transaction changes them, or their runs' records, until this one ends. */
export type RowLock = '' | 'FOR UPDATE' | 'FOR UPDATE SKIP LOCKED';

/**
 * Reads the executions of runs, by the runs' ids. Runs that ended before there were executions have none.
 * @param lock with `SKIP LOCKED`, those that other transactions have locked are left out: it never waits
 */
export function readExecutions(
  tx: Transaction,
  owner: Owner,
  runIds: readonly string[],
  lock: RowLock = '',
): Promise<ReadonlyMap<string, Execution>> {
  const wanted = tx.sql`unnest(${arrayLiteral(runIds)}::uuid[]) AS wanted (id)`;
  return readWantedExecutions(tx, owner, wanted, lock);
}

/** Reads executions like {@link readExecutions}. @param wanted an item of `FROM` with the runs' ids: `wanted.id` */
export async function readWantedExecutions(
  { sql, run }: Transaction,
  owner: Owner,
  wanted: PendingQuery<Row[]>,
  lock: RowLock = '',
): Promise<ReadonlyMap<string, Execution>> {
  // Each row is looked up by the primary key, whatever statistics the planner has: LIMIT keeps it out of a join.
  const rows = await run(sql<ExecutionRow[]>`SELECT found.*
    FROM ${wanted} CROSS JOIN LATERAL (
      SELECT ${sql.unsafe(EXECUTION_COLUMNS)} FROM agent_graphql.executions
      WHERE owner = ${owner} AND run_id = wanted.id LIMIT 1 ${sql.unsafe(lock)}
    ) AS found`);
  return new Map(rows.map((row) => [row.runId, toExecution(row)]));
}

/** Locks the execution of a run, and with it the run's record. */
export async function lockExecution(tx: Transaction, owner: Owner, runId: string): Promise<Execution> {
  const executions = await readExecutions(tx, owner, [runId], 'FOR UPDATE');
  return executions.get(runId) ?? NO_EXECUTION;
}

function toExecution(row: ExecutionRow): Execution {
  const { claims, storedEvents, sentEvents, sentBytes, lastSeq, droppedSeq, cancelAction } = row;
  const { holder, leaseWorker, leaseSeconds, leaseEndsAt, reportedDigest, reportedStatus } = row;
  return Object.freeze({
    claims,
    lease:
      holder === null || leaseWorker === null || leaseSeconds === null || leaseEndsAt === null
        ? null
        : { holder: asOwner(holder), worker: leaseWorker, seconds: leaseSeconds, endsAt: leaseEndsAt },
    storedEvents,
    sentEvents,
    sentBytes,
    lastSeq,
    droppedSeq,
    cancelAction,
    reported:
      reportedDigest === null || reportedStatus === null
        ? null
        : { digest: reportedDigest, status: reportedStatus },
  });
}

/** A new run in the queue. */
export interface QueuedRun {
  readonly run: Run;
  readonly graphId: string;
  /** Its state as the head of its thread's queue: null where its thread has other active runs, and `set_head` is called. */
  readonly head: 'READY' | 'DELAYED' | null;
}

/** Stores the executions of new runs. */
export async function insertExecutions(
  { sql, run: send }: Transaction,
  owner: Owner,
  queued: readonly QueuedRun[],
): Promise<void> {
  const rows = queued.map(({ run: { id, threadId, createdAt, availableAt }, graphId, head }) => {
    return { id, thread: threadId, graph: graphId, created: createdAt, available: availableAt, head };
  });
  await send(sql`INSERT INTO agent_graphql.executions (owner, run_id, thread_id, graph_id, created_at, is_active, has_begun,
      available_at, head)
    SELECT ${owner}, id, thread, graph, created, true, false, available, head
    FROM json_to_recordset(${JSON.stringify(rows)}::text::json) AS rows (id uuid, thread uuid, graph text,
      created timestamptz, available timestamptz, head text)`);
}

/** A changed execution. */
export interface ChangedExecution {
  readonly state: RunState;
  /** When the first of the run's events was stored, where that is new. */
  readonly firstEventAt: string | null;
}

/**
 * Stores changed executions, and their columns of the queue. The rows are there: `ON CONFLICT` finds them by their
 * primary key, whatever statistics the planner has.
 */
export async function updateExecutions(
  { sql, run }: Transaction,
  owner: Owner,
  changed: readonly ChangedExecution[],
): Promise<void> {
  // A renewed lease moves no index entry: the sweeper finds out that it is not due yet.
  await run(sql`INSERT INTO agent_graphql.executions AS stored (owner, run_id, thread_id, graph_id, created_at, is_active,
      has_begun, available_at, finished_at, due_at, events_from, claims, lease_holder, lease_worker, lease_seconds,
      lease_ends_at, stored_events, sent_events, sent_bytes, last_seq, dropped_seq, cancel_action, reported_digest,
      reported_status)
    SELECT ${owner}, id, thread, '', created, active, begun, available, finished, due, "from", claims, holder, worker,
      seconds, ends, stored, sent, bytes, seq, dropped, cancel, digest, status
    FROM json_to_recordset(${JSON.stringify(changed.map(toRow))}::text::json) AS rows (id uuid, thread uuid,
      created timestamptz, active boolean, begun boolean, available timestamptz, finished timestamptz, due timestamptz,
      "from" timestamptz, claims integer, holder text, worker text, seconds integer, ends timestamptz, stored integer,
      sent integer, bytes integer, seq integer, dropped integer, cancel text, digest text, status text)
    ON CONFLICT (owner, run_id) DO UPDATE SET is_active = excluded.is_active, has_begun = excluded.has_begun,
      available_at = excluded.available_at, finished_at = excluded.finished_at,
      head = CASE WHEN excluded.available_at IS NOT NULL THEN stored.head END,
      due_at = CASE WHEN stored.due_at <= excluded.due_at THEN stored.due_at ELSE excluded.due_at END,
      events_from = coalesce(stored.events_from, excluded.events_from), claims = excluded.claims,
      lease_holder = excluded.lease_holder, lease_worker = excluded.lease_worker,
      lease_seconds = excluded.lease_seconds, lease_ends_at = excluded.lease_ends_at,
      stored_events = excluded.stored_events, sent_events = excluded.sent_events, sent_bytes = excluded.sent_bytes,
      last_seq = excluded.last_seq, dropped_seq = excluded.dropped_seq, cancel_action = excluded.cancel_action,
      reported_digest = excluded.reported_digest, reported_status = excluded.reported_status`);
}

function toRow({ state, firstEventAt }: ChangedExecution): object {
  const { run, execution } = state;
  const { claims, lease, storedEvents, sentEvents, sentBytes, lastSeq, droppedSeq, cancelAction, reported } =
    execution;
  return {
    id: run.id,
    thread: run.threadId,
    created: run.createdAt,
    active: run.ended === null,
    begun: run.status !== 'PENDING',
    available: run.availableAt,
    finished: run.finishedAt,
    due: toInstant(nextDeadline(state)),
    from: firstEventAt,
    claims,
    holder: lease?.holder,
    worker: lease?.worker,
    seconds: lease?.seconds,
    ends: toInstant(lease?.endsAt ?? null),
    stored: storedEvents,
    sent: sentEvents,
    bytes: sentBytes,
    seq: lastSeq,
    dropped: droppedSeq,
    cancel: cancelAction,
    digest: reported?.digest,
    status: reported?.status,
  };
}

/** Stores the next deadline of a run. */
export async function setDue({ sql, run: send }: Transaction, owner: Owner, state: RunState): Promise<void> {
  await send(sql`UPDATE agent_graphql.executions SET due_at = ${toInstant(nextDeadline(state))}
    WHERE owner = ${owner} AND run_id = ${state.run.id}`);
}

function toInstant(time: number | null): string | null {
  return time === null ? null : instant(time);
}
