import type { Change } from '../../change.ts';
import { refused } from '../../outcome.ts';
import type { RunFilter, RunOrderField } from '../../query.ts';
import type { Run } from '../../records.ts';
import { matchRuns } from '../../rules/filter.ts';
import { isId } from '../../rules/identity.ts';
import { applyRunPatch, checkRunPatch, newRun, refuseRunDelete } from '../../rules/run.ts';
import { activeCount, threadStatus } from '../../rules/status.ts';
import { withStatus } from '../../rules/thread.ts';
import type { RunStore } from '../../stores.ts';
import type { StoreDependencies } from './dependencies.ts';
import { lockAssistant, type LockedRun, lockRun, lockThread } from './locks.ts';
import { createReads } from './reads.ts';
import { noChanges, runMutation } from './run-mutation.ts';

/** The runs in PostgreSQL. */
export function createRuns(dependencies: StoreDependencies): RunStore {
  const reads = createReads<Run, RunFilter, RunOrderField>(dependencies, {
    resource: 'run',
    match: matchRuns,
    parentOf: (run, column) => (column === 'thread_id' ? run.threadId : run.assistantId),
  });
  const { now } = dependencies;
  return {
    ...reads,
    create(owner, input) {
      return runMutation<Run>(dependencies, owner, async (tx) => {
        const [thread, assistant] = await Promise.all([
          isId(input.threadId) ? lockThread(tx, owner, tx.sql`${input.threadId}::uuid`) : null,
          isId(input.assistantId) ? lockAssistant(tx, owner, input.assistantId, 'FOR SHARE') : null,
        ]);
        const time = now();
        const exists = { thread: thread !== null, assistant: assistant !== null };
        const outcome = newRun(owner, input, exists, time);
        if ('refusals' in outcome || thread === null) return noChanges(outcome);
        const after = outcome.value;
        const locked = { thread, active: 0, ended: [] };
        return { outcome, changes: withThreadStatus(locked, { resource: 'run', before: null, after }, time) };
      });
    },
    update(owner, id, changes) {
      const checked = checkRunPatch(changes);
      if ('refusals' in checked) return checked;
      if (!isId(id)) return { value: null };
      return runMutation<Run | null>(dependencies, owner, async (tx) => {
        const locked = await lockRun(tx, owner, id);
        if (locked === null) return noChanges({ value: null });
        const { run: before, ended } = locked;
        const time = now();
        const outcome = applyRunPatch(owner, before, checked.value, (ended[0]?.ended ?? 0) + 1, time);
        if ('refusals' in outcome || outcome.value === before) return noChanges(outcome);
        return {
          outcome,
          changes: withThreadStatus(locked, { resource: 'run', before, after: outcome.value }, time),
        };
      });
    },
    delete(owner, id) {
      if (!isId(id)) return { value: null };
      return runMutation<Run | null>(dependencies, owner, async (tx) => {
        const locked = await lockRun(tx, owner, id);
        if (locked === null) return noChanges({ value: null });
        const { run: before } = locked;
        const refusal = refuseRunDelete(before);
        if (refusal !== null) return noChanges(refused(refusal));
        return {
          outcome: { value: before },
          changes: withThreadStatus(locked, { resource: 'run', before, after: null }, now()),
        };
      });
    },
  };
}

/** The change of a run, and that of its thread where the thread's status follows it. */
function withThreadStatus(
  { thread, active, ended }: Omit<LockedRun, 'run'>,
  change: Extract<Change, { readonly resource: 'run' }>,
  now: number,
): readonly Change[] {
  const { before, after } = change;
  const others = ended.filter(({ id }) => id !== (after ?? before)?.id);
  const [last] = (after === null ? others : [after, ...others])
    .filter((run) => run.ended !== null)
    .toSorted((a, b) => (b.ended ?? 0) - (a.ended ?? 0));
  const moved = withStatus(
    thread,
    threadStatus(active + activeCount(after) - activeCount(before), last),
    now,
  );
  return moved === thread ? [change] : [change, { resource: 'thread', before: thread, after: moved }];
}
