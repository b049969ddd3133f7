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

/** How rows are read: `FOR UPDATE`, no other transaction changes them, or their runs' records, until this one ends. */
type RowLock = '' | 'FOR UPDATE';

/** Reads the executions of runs, by the runs' ids. Runs that ended before there were executions have none. */
export async function readExecutions(
  { sql, run }: Transaction,
  owner: Owner,
  runIds: readonly string[],
  lock: RowLock = '',
): Promise<ReadonlyMap<string, Execution>> {
  const rows = await run(sql<
    ExecutionRow[]
  >`SELECT ${sql.unsafe(EXECUTION_COLUMNS)} FROM agent_graphql.executions
    WHERE owner = ${owner} AND run_id = ANY(${arrayLiteral(runIds)}::uuid[]) ${sql.unsafe(lock)}`);
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

/**
 * Stores the execution of a new run.
 * @param head its state as the head of its thread's queue: `null` where its thread has other active runs, and `set_head` is called
 */
export async function insertExecution(
  { sql, run: send }: Transaction,
  owner: Owner,
  run: Run,
  graphId: string,
  head: 'READY' | 'DELAYED' | null,
): Promise<void> {
  const { id, threadId, createdAt, availableAt } = run;
  await send(sql`INSERT INTO agent_graphql.executions (owner, run_id, thread_id, graph_id, created_at, is_active, has_begun,
      available_at, head)
    VALUES (${owner}, ${id}, ${threadId}, ${graphId}, ${createdAt}, true, false, ${availableAt}, ${head})`);
}

/** Stores a changed execution, and the columns of the queue. */
export async function updateExecution(
  { sql, run: send }: Transaction,
  owner: Owner,
  state: RunState,
  firstEventAt: string | null,
): Promise<void> {
  const { run, execution } = state;
  const { claims, lease, storedEvents, sentEvents, sentBytes, lastSeq, droppedSeq, cancelAction, reported } =
    execution;
  const due = toInstant(nextDeadline(state));
  // A renewed lease moves no index entry: the sweeper finds out that it is not due yet.
  const laterDue = sql`CASE WHEN due_at <= ${due}::timestamptz THEN due_at ELSE ${due}::timestamptz END`;
  await send(sql`UPDATE agent_graphql.executions SET is_active = ${run.ended === null},
      has_begun = ${run.status !== 'PENDING'}, available_at = ${run.availableAt}, finished_at = ${run.finishedAt},
      head = CASE WHEN ${run.availableAt !== null} THEN head END,
      due_at = ${laterDue}, events_from = coalesce(events_from, ${firstEventAt}::timestamptz),
      claims = ${claims}, lease_holder = ${lease?.holder ?? null}, lease_worker = ${lease?.worker ?? null},
      lease_seconds = ${lease?.seconds ?? null}, lease_ends_at = ${toInstant(lease?.endsAt ?? null)},
      stored_events = ${storedEvents}, sent_events = ${sentEvents}, sent_bytes = ${sentBytes}, last_seq = ${lastSeq},
      dropped_seq = ${droppedSeq}, cancel_action = ${cancelAction}, reported_digest = ${reported?.digest ?? null},
      reported_status = ${reported?.status ?? null}
    WHERE owner = ${owner} AND run_id = ${run.id}`);
}

/** Stores the next deadline of a run. */
export async function setDue({ sql, run: send }: Transaction, owner: Owner, state: RunState): Promise<void> {
  await send(sql`UPDATE agent_graphql.executions SET due_at = ${toInstant(nextDeadline(state))}
    WHERE owner = ${owner} AND run_id = ${state.run.id}`);
}

function toInstant(time: number | null): string | null {
  return time === null ? null : instant(time);
}
