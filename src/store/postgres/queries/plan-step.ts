import type { Change } from '../../change.ts';
import type { RunStep } from '../../execution.ts';
import type { Owner } from '../../owner.ts';
import { instant } from '../../rules/identity.ts';
import { threadStatus } from '../../rules/status.ts';
import { threadChange } from '../../rules/thread.ts';
import type { Transaction } from '../client/pool.ts';
import type { Announcements } from '../notifications/announcer.ts';
import type { StoreDependencies } from './dependencies.ts';
import type { LockedRun } from './locks.ts';
import type { MutationPlan } from './run-mutation.ts';
import { affectsThread, storeStep } from '../tables/store-step.ts';

/** What a step of a run stores, and what follows for its thread, which is locked. */
export function planStep(
  { announcer }: Pick<StoreDependencies, 'announcer'>,
  tx: Transaction,
  announcements: Announcements,
  owner: Owner,
  { thread, stored, hasOtherActive, ended, now }: LockedRun,
  step: RunStep,
): Omit<MutationPlan<unknown>, 'outcome'> {
  const { run } = step;
  announceEvents(announcements, owner, step);
  const hasEnded = run.ended !== null && stored.run.ended === null;
  const last = hasEnded ? run : ended[0];
  const status = threadStatus(hasOtherActive || run.ended === null ? 1 : 0, last);
  const valuesRunId = hasEnded && run.hasOutput ? run.id : thread.valuesRunId;
  return {
    changes: [...changeOf(stored.run, run), ...threadChange(thread, { status, valuesRunId }, now)],
    store: () =>
      Promise.all([
        storeStep(tx, owner, stored, step),
        ...(affectsThread(stored, step)
          ? [setHead(tx, announcements, owner, thread.id, now, announcer.serverId)]
          : []),
      ]),
  };
}

/** The change of a run's record; none where it stays as it is. */
export function changeOf(before: RunStep['run'], after: RunStep['run']): readonly Change[] {
  return before === after ? [] : [{ resource: 'run', before, after }];
}

/** Announces the events of a step, if there are any. */
export function announceEvents(announcements: Announcements, owner: Owner, { run, events }: RunStep): void {
  if (events.length > 0) announcements.appended.push({ owner, events: { run, events } });
}

/** Updates the head of a thread's queue. The thread must be locked, and its runs' executions stored. */
export async function setHead(
  { sql, run }: Transaction,
  announcements: Announcements,
  owner: Owner,
  threadId: string,
  now: number,
  serverId: string,
): Promise<void> {
  const [head] = await run(sql<
    { graphId: string | null }[]
  >`SELECT agent_graphql.set_head(${owner}, ${threadId},
    ${instant(now)}, ${serverId}) AS "graphId"`);
  const graphId = head?.graphId ?? null;
  if (graphId !== null) announcements.ready.push({ owner, graphId, count: 1 });
}
