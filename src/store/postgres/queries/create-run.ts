import type { Outcome } from '../../outcome.ts';
import type { Owner } from '../../owner.ts';
import type { Assistant, Run, Thread } from '../../records.ts';
import { instant, isId } from '../../rules/identity.ts';
import { type CheckedNewRun, newRun, type NewRunContext } from '../../rules/run.ts';
import type { Transaction } from '../client/pool.ts';
import { type Announcements, notifyReady } from '../notifications/announcer.ts';
import { insertExecution } from '../tables/executions.ts';
import { announceEvents, setHeads } from './plan-step.ts';
import { insertInput, storeSteps } from '../tables/store-steps.ts';
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
        ...(input.input === null ? [] : [insertInput(tx, owner, run.id, input.input)]),
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
      insertExecution(tx, owner, run, graphId, null),
      setHeads(tx, announcements, owner, [thread.id], now, serverId),
    ]);
    return;
  }
  const isReady = run.availableAt !== null && run.availableAt <= instant(now);
  await Promise.all([
    insertExecution(tx, owner, run, graphId, isReady ? 'READY' : 'DELAYED'),
    ...(isReady ? [notifyReady(tx, owner, graphId, serverId)] : []),
  ]);
  if (isReady) announcements.ready.push({ owner, graphId, count: 1 });
}
