import type { Change } from '../../change.ts';
import type { RunStep } from '../../execution.ts';
import type { Owner } from '../../owner.ts';
import { instant } from '../../rules/identity.ts';
import { threadStatus } from '../../rules/status.ts';
import { threadChange } from '../../rules/thread.ts';
import { arrayLiteral } from '../client/array-literal.ts';
import type { Transaction } from '../client/pool.ts';
import type { Announcements } from '../notifications/announcer.ts';
import type { StoreDependencies } from './dependencies.ts';
import type { LockedRun } from './lock-runs.ts';
import type { MutationPlan } from './run-mutation.ts';
import { affectsThread, storeSteps } from '../tables/store-steps.ts';

/** A step of a run, which is locked with its thread. */
export interface LockedStep {
  readonly locked: LockedRun;
  readonly step: RunStep;
}

/** What a step of a run stores, and what follows for its thread. */
export function planStep(
  dependencies: Pick<StoreDependencies, 'announcer'>,
  tx: Transaction,
  announcements: Announcements,
  owner: Owner,
  locked: LockedRun,
  step: RunStep,
): Omit<MutationPlan<unknown>, 'outcome'> {
  return planSteps(dependencies, tx, announcements, owner, [{ locked, step }], locked.now);
}

/** What steps of runs of different threads store, and what follows for their threads. */
export function planSteps(
  { announcer }: Pick<StoreDependencies, 'announcer'>,
  tx: Transaction,
  announcements: Announcements,
  owner: Owner,
  steps: readonly LockedStep[],
  now: number,
): Omit<MutationPlan<unknown>, 'outcome'> {
  for (const { step } of steps) announceEvents(announcements, owner, step);
  const stored = steps.map(({ locked, step }) => ({ before: locked.stored, step }));
  const threadIds = steps.flatMap((one) => (mayChangeHead(one) ? one.locked.thread.id : []));
  return {
    changes: steps.flatMap(changesOf),
    store: () =>
      Promise.all([
        storeSteps(tx, owner, stored),
        ...(threadIds.length === 0
          ? []
          : [setHeads(tx, announcements, owner, threadIds, now, announcer.serverId)]),
      ]),
  };
}

/** Whether another run of the thread may come next. The end of its only active run leaves none. */
function mayChangeHead({ locked, step }: LockedStep): boolean {
  return affectsThread(locked.stored, step) && (locked.hasOtherActive || step.run.ended === null);
}

/** The changes of the records of a run and its thread. */
function changesOf({ locked, step }: LockedStep): readonly Change[] {
  const { thread, stored, hasOtherActive, lastEnded, now } = locked;
  const { run } = step;
  const hasEnded = run.ended !== null && stored.run.ended === null;
  const last = hasEnded ? run : lastEnded;
  const status = threadStatus(hasOtherActive || run.ended === null ? 1 : 0, last ?? undefined);
  const valuesRunId = hasEnded && run.hasOutput ? run.id : thread.valuesRunId;
  return [...changeOf(stored.run, run), ...threadChange(thread, { status, valuesRunId }, now)];
}

/** The change of a run's record; none where it stays as it is. */
export function changeOf(before: RunStep['run'], after: RunStep['run']): readonly Change[] {
  return before === after ? [] : [{ resource: 'run', before, after }];
}

/** Announces the events of a step, if there are any. */
export function announceEvents(announcements: Announcements, owner: Owner, { run, events }: RunStep): void {
  if (events.length > 0) announcements.appended.push({ owner, events: { run, events } });
}

/** Updates the heads of the queues of threads, which must be locked, and their runs' executions stored. */
export async function setHeads(
  { sql, run }: Transaction,
  announcements: Announcements,
  owner: Owner,
  threadIds: readonly string[],
  now: number,
  serverId: string,
): Promise<void> {
  const heads = await run(sql<
    { graphId: string | null }[]
  >`SELECT agent_graphql.set_head(${owner}, thread, ${instant(now)}, ${serverId}) AS "graphId"
    FROM unnest(${arrayLiteral(threadIds)}::uuid[]) AS threads (thread)`);
  for (const { graphId } of heads) {
    if (graphId !== null) announcements.ready.push({ owner, graphId, count: 1 });
  }
}
