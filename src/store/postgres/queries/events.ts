import { type EventPage, type Execution, NO_EXECUTION, type RunEvent } from '../../execution.ts';
import type { Owner } from '../../owner.ts';
import type { Run } from '../../records.ts';
import { isId } from '../../rules/identity.ts';
import type { RunStore } from '../../stores.ts';
import { arrayLiteral } from '../client/array-literal.ts';
import { BatchLoader } from '../client/batch-loader.ts';
import type { Transaction } from '../client/pool.ts';
import { readExecutions } from '../tables/executions.ts';
import type { StoreDependencies } from './dependencies.ts';
import { findByIds } from '../tables/find-by-ids.ts';
import { TABLES } from '../tables/tables.ts';

/** Which events of a run are read. */
type EventRange = Parameters<RunStore['events']>[2];

/** Reads events of runs: those of the same range that are asked for at the same time together. */
export function createEventReader({
  reader,
  clock,
  eventRetention,
}: Pick<StoreDependencies, 'reader' | 'clock' | 'eventRetention'>): RunStore['events'] {
  const pages = new BatchLoader<string, EventPage | null>(reader);

  async function readPages(
    tx: Transaction,
    owner: Owner,
    ids: readonly string[],
    range: EventRange,
  ): Promise<readonly (EventPage | null)[]> {
    const [runs, executions, now] = await Promise.all([
      findByIds<Run>(tx, owner, TABLES.run, ids),
      readExecutions(tx, owner, ids),
      clock(tx),
    ]);
    const found = runs.map((run) => {
      if (run === null) return null;
      const execution = executions.get(run.id) ?? NO_EXECUTION;
      return {
        run,
        droppedSeq: droppedSeq(run, execution, now - eventRetention),
        lastSeq: execution.lastSeq,
      };
    });
    const wanted = found.filter((one) => one !== null && one.lastSeq > Math.max(range.after, one.droppedSeq));
    const events = await readEvents(
      tx,
      owner,
      wanted.flatMap((one) => one?.run ?? []),
      range,
    );
    return found.map((one) => {
      if (one === null) return null;
      const { run, droppedSeq: dropped, lastSeq } = one;
      const missedUpTo = dropped > range.after ? dropped : null;
      return { run, events: events.get(run.id) ?? [], missedUpTo, lastSeq };
    });
  }

  return (owner, id, range) => {
    if (!isId(id)) return null;
    return pages.load(owner, JSON.stringify(range), id, (tx, ids) => readPages(tx, owner, ids, range));
  };
}

/** Up to which `seq` events are not kept any more. @param limit those of a run that ended before are not kept */
function droppedSeq({ finishedAt }: Run, execution: Execution, limit: number): number {
  const isOver = finishedAt !== null && Date.parse(finishedAt) <= limit;
  return isOver ? execution.lastSeq : execution.droppedSeq;
}

/** The events of runs, by the runs' ids. */
async function readEvents(
  { sql, run }: Transaction,
  owner: Owner,
  runs: readonly Run[],
  { after, limit, maxBytes }: EventRange,
): Promise<ReadonlyMap<string, readonly RunEvent[]>> {
  const byRun = new Map<string, RunEvent[]>();
  if (runs.length === 0) return byRun;
  // Partitions of earlier days are not looked at. A day is left for clocks that were put back.
  const from = runs
    .map(({ startedAt, createdAt }) => startedAt ?? createdAt)
    .reduce((a, b) => (a < b ? a : b));
  const rows = await run(sql<(RunEvent & { readonly id: string })[]>`SELECT found.*
    FROM unnest(${arrayLiteral(runs.map(({ id }) => id))}::uuid[]) AS wanted (id) CROSS JOIN LATERAL (
      SELECT id, seq, attempt, type, data, at FROM (
        SELECT wanted.id, seq, attempt, type, data, at,
          sum(bytes) OVER (ORDER BY seq) - bytes AS bytes_before
        FROM (
          SELECT seq, attempt, type, data, at, octet_length(type) + octet_length(data) + 150 AS bytes
          FROM agent_graphql.run_events
          WHERE owner = ${owner} AND run_id = wanted.id AND seq > ${after}::integer AND at >= ${from}::timestamptz - interval '1 day'
          ORDER BY seq LIMIT ${limit}::integer
        ) AS events
      ) AS measured WHERE bytes_before < ${maxBytes}::float8 ORDER BY seq
    ) AS found`);
  for (const { id, ...event } of rows) {
    const events = byRun.get(id);
    if (events === undefined) byRun.set(id, [event]);
    else events.push(event);
  }
  return byRun;
}
