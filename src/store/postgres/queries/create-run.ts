import type { Outcome } from '../../outcome.ts';
import type { Owner } from '../../owner.ts';
import type { Assistant, Run, Thread } from '../../records.ts';
import { instant, isId } from '../../rules/identity.ts';
import { type CheckedNewRun, newRun, type NewRunContext } from '../../rules/run.ts';
import type { Transaction } from '../client/pool.ts';
import { type Announcements, notifyReady } from '../notifications/announcer.ts';
import { insertExecutions, type QueuedRun } from '../tables/executions.ts';
import { announceEvents, setHeads } from './plan-step.ts';
import { insertInputs, storeSteps } from '../tables/store-steps.ts';
import type { StoreDependencies } from './dependencies.ts';
import { lockActiveRuns, lockAssistant, lockThread, readRun } from './locks.ts';
import { type MutationPlan, noChanges } from './run-mutation.ts';

/** Plans a new run, with all that is created and changed with it. */
export async function planNewRun(
  { clock, announcer: { serverId } }: StoreDependencies,
  tx: Transaction,
  announcements: Announcements,
  owner: Owner,
  input: CheckedNewRun,
): Promise<MutationPlan<Outcome<Run>>> {
  const { threadId, assistantId } = input;
  const [thread, assistant, now] = await Promise.all([
    threadId !== null && isId(threadId) ? lockThread(tx, owner, threadId) : null,
    isId(assistantId) ? lockAssistant(tx, owner, assistantId, 'FOR SHARE') : null,
    clock(tx),
  ]);
  const context = await readContext(tx, owner, input, thread);
  const outcome = newRun(owner, input, { ...context, thread, hasAssistant: assistant !== null }, now);
  if ('refusals' in outcome || assistant === null) {
    return noChanges('refusals' in outcome ? outcome : { refusals: [] });
  }
  const { run, cancellations, changes } = outcome.value;
  for (const { step } of cancellations) announceEvents(announcements, owner, step);
  return {
    outcome: { value: run },
    changes,
    store: () =>
      Promise.all([
        storeSteps(
          tx,
          owner,
          cancellations.map(({ stored, step }) => ({ before: stored, step })),
        ),
        ...(input.input === null ? [] : [insertInputs(tx, owner, [{ id: run.id, input: input.input }])]),
        enqueue(tx, announcements, owner, run, assistant, thread, now, serverId),
      ]),
  };
}

/** Reads the context of a new run, as far as its input needs it. */
async function readContext(
  tx: Transaction,
  owner: Owner,
  { resumes, multitaskStrategy }: CheckedNewRun,
  thread: Thread | null,
): Promise<Pick<NewRunContext, 'resumed' | 'active' | 'nextEnded'>> {
  const isCancelling = multitaskStrategy === 'INTERRUPT' || multitaskStrategy === 'ROLLBACK';
  const isResuming = resumes !== null && isId(resumes);
  const [resumed, all, answers, others, lastEnd] = await Promise.all([
    isResuming ? readRun(tx, owner, resumes) : null,
    thread !== null && isCancelling ? lockActiveRuns(tx, owner, thread.id, 'all') : [],
    thread !== null && isResuming && !isCancelling ? lockActiveRuns(tx, owner, thread.id, { resumes }) : [],
    thread !== null && multitaskStrategy === 'REJECT' ? lockActiveRuns(tx, owner, thread.id, 'any') : [],
    thread !== null && (isResuming || isCancelling) ? readLastEnd(tx, owner, thread.id) : 0,
  ]);
  return { resumed, active: [...all, ...answers, ...others], nextEnded: lastEnd + 1 };
}

/** The `ended` of the thread's run that ended last; 0 where none has. */
async function readLastEnd({ sql, run }: Transaction, owner: Owner, threadId: string): Promise<number> {
  const [last] = await run(sql<{ ended: number }[]>`SELECT ended::float8 AS ended FROM agent_graphql.runs
    WHERE owner = ${owner} AND thread_id = ${threadId} AND ended IS NOT NULL ORDER BY ended DESC LIMIT 1`);
  return last?.ended ?? 0;
}

/** Adds a run to the queue: where its thread has no other, no statement has to find out which is next. */
async function enqueue(
  tx: Transaction,
  announcements: Announcements,
  owner: Owner,
  run: Run,
  { graphId }: Assistant,
  thread: Thread | null,
  now: number,
  serverId: string,
): Promise<void> {
  if (thread?.status === 'BUSY') {
    await Promise.all([
      insertExecutions(tx, owner, [{ run, graphId, head: null }]),
      setHeads(tx, announcements, owner, [thread.id], now, serverId),
    ]);
    return;
  }
  await enqueueHeads(tx, announcements, owner, [{ run, graphId }], now, serverId);
}

/** Adds runs to the queue whose threads have no others. */
export async function enqueueHeads(
  tx: Transaction,
  announcements: Announcements,
  owner: Owner,
  created: readonly Pick<QueuedRun, 'run' | 'graphId'>[],
  now: number,
  serverId: string,
): Promise<void> {
  const queued = created.map(({ run, graphId }): QueuedRun => {
    const isReady = run.availableAt !== null && run.availableAt <= instant(now);
    return { run, graphId, head: isReady ? 'READY' : 'DELAYED' };
  });
  const counts = new Map<string, number>();
  for (const { graphId, head } of queued) {
    if (head === 'READY') counts.set(graphId, (counts.get(graphId) ?? 0) + 1);
  }
  const ready = Array.from(counts, ([graphId, count]) => ({ owner, graphId, count }));
  await Promise.all([
    insertExecutions(tx, owner, queued),
    ...ready.map(({ graphId, count }) => notifyReady(tx, owner, graphId, count, serverId)),
  ]);
  announcements.ready.push(...ready);
}
