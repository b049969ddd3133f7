import type { Change } from '../../change.ts';
import { refused } from '../../outcome.ts';
import type { Owner } from '../../owner.ts';
import type { RunFilter, RunOrderField } from '../../query.ts';
import type { Run, Thread } from '../../records.ts';
import { matchRuns } from '../../rules/filter.ts';
import { isId } from '../../rules/identity.ts';
import { changeRun, checkRun, newRun, refuseRunDelete } from '../../rules/run.ts';
import { activeOnes, threadStatus } from '../../rules/status.ts';
import { moveThread } from '../../rules/thread.ts';
import type { RunStore } from '../../stores.ts';
import { decideAndWrite, nothing } from '../notifications/changes.ts';
import { lockAssistant, lockThread } from './locks.ts';
import type { Transaction } from '../client/pool.ts';
import { createReads } from './reads.ts';
import { TABLES } from './rows.ts';
import type { Parts } from '../stores.ts';

/** A run with its thread, which is locked, and what decides on the status of that. */
interface Locked {
  readonly thread: Thread;
  readonly run: Run;
  /** How many runs of the thread are pending or running. */
  readonly active: number;
  /** The runs of the thread that ended last, two at most: the last one first. */
  readonly ended: readonly Pick<Run, 'id' | 'status' | 'ended'>[];
}

/** The runs in PostgreSQL. */
export function createRuns({ database, reader, cursors, now }: Parts): RunStore {
  const reads = createReads<Run, RunFilter, RunOrderField>(reader, cursors, {
    resource: 'run',
    match: matchRuns,
    parentOf: (run, column) => (column === 'thread_id' ? run.threadId : run.assistantId),
  });
  return {
    ...reads,
    create(owner, input) {
      return decideAndWrite<Run>(database, reader, owner, async (tx) => {
        const [thread, assistant] = await Promise.all([
          isId(input.threadId) ? lockThread(tx, owner, tx.sql`${input.threadId}::uuid`) : null,
          isId(input.assistantId) ? lockAssistant(tx, owner, input.assistantId, 'FOR SHARE') : null,
        ]);
        const time = now();
        const exists = { thread: thread !== null, assistant: assistant !== null };
        const outcome = newRun(owner, input, exists, time);
        if ('refusals' in outcome || thread === null) return nothing(outcome);
        const after = outcome.value;
        const locked = { thread, active: 0, ended: [] };
        return { outcome, changes: withThread(locked, { resource: 'run', before: null, after }, time) };
      });
    },
    update(owner, id, changes) {
      const checked = checkRun(changes);
      if ('refusals' in checked) return checked;
      if (!isId(id)) return { value: null };
      return decideAndWrite<Run | null>(database, reader, owner, async (tx) => {
        const locked = await lockRun(tx, owner, id);
        if (locked === null) return nothing({ value: null });
        const { run: before, ended } = locked;
        const time = now();
        const outcome = changeRun(owner, before, checked.value, (ended[0]?.ended ?? 0) + 1, time);
        if ('refusals' in outcome || outcome.value === before) return nothing(outcome);
        return {
          outcome,
          changes: withThread(locked, { resource: 'run', before, after: outcome.value }, time),
        };
      });
    },
    delete(owner, id) {
      if (!isId(id)) return { value: null };
      return decideAndWrite<Run | null>(database, reader, owner, async (tx) => {
        const locked = await lockRun(tx, owner, id);
        if (locked === null) return nothing({ value: null });
        const { run: before } = locked;
        const refusal = refuseRunDelete(before);
        if (refusal !== null) return nothing(refused(refusal));
        return {
          outcome: { value: before },
          changes: withThread(locked, { resource: 'run', before, after: null }, now()),
        };
      });
    },
  };
}

/** A run that is there, with its thread locked: nobody else changes either, or the thread's other runs. */
async function lockRun(tx: Transaction, owner: Owner, id: string): Promise<Locked | null> {
  const { sql, run } = tx;
  const threadId = sql`(SELECT thread_id FROM agent_graphql.runs WHERE owner = ${owner} AND id = ${id}::uuid)`;
  const [thread, [found], [row], ended] = await Promise.all([
    lockThread(tx, owner, threadId),
    run(sql<Run[]>`SELECT ${sql.unsafe(TABLES.run.columns)} FROM agent_graphql.runs
      WHERE owner = ${owner} AND id = ${id}::uuid`),
    run(sql<{ active: number }[]>`SELECT count(*)::float8 AS active FROM agent_graphql.runs
      WHERE owner = ${owner} AND thread_id = ${threadId} AND ended IS NULL`),
    run(sql<Locked['ended'][number][]>`SELECT id, status, ended::float8 AS ended FROM agent_graphql.runs
      WHERE owner = ${owner} AND thread_id = ${threadId} AND ended IS NOT NULL ORDER BY ended DESC LIMIT 2`),
  ]);
  if (thread === null || found === undefined) return null;
  return { thread, run: found, active: row?.active ?? 0, ended };
}

/** A change of a run together with what it makes of its thread's status. */
function withThread(
  { thread, active, ended }: Omit<Locked, 'run'>,
  change: Extract<Change, { readonly resource: 'run' }>,
  now: number,
): readonly Change[] {
  const { before, after } = change;
  const others = ended.filter(({ id }) => id !== (after ?? before)?.id);
  const [last] = (after === null ? others : [after, ...others])
    .filter((run) => run.ended !== null)
    .toSorted((a, b) => (b.ended ?? 0) - (a.ended ?? 0));
  const moved = moveThread(thread, threadStatus(active + activeOnes(after) - activeOnes(before), last), now);
  return moved === thread ? [change] : [change, { resource: 'thread', before: thread, after: moved }];
}
