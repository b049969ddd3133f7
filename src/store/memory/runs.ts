import type { Change } from '../change.ts';
import { refused } from '../outcome.ts';
import type { Owner } from '../owner.ts';
import type { RunFilter, RunOrderField } from '../query.ts';
import type { Run } from '../records.ts';
import { matchRuns } from '../rules/filter.ts';
import { applyRunPatch, checkRunPatch, newRun, refuseRunDelete } from '../rules/run.ts';
import { withStatus } from '../rules/thread.ts';
import type { RunStore } from '../stores.ts';
import type { Database } from './database.ts';
import type { OwnerPartition } from './owner-partition.ts';
import { createReads, type Selection } from './reads.ts';
import { type RunGroup, ThreadRuns } from './run-group.ts';
import { SortedIndex, TIME_ORDERS } from './sorted-index.ts';

/** The runs in memory. Methods are synchronous, except for reads whose filter has to compare many records. */
export function createRuns(database: Database): RunStore {
  const reads = createReads<Run, RunFilter, RunOrderField>(database, {
    resource: 'run',
    table: (partition) => partition.runs,
    match: matchRuns,
    narrow: narrowRuns,
  });

  /** Commits the change of a run, and that of its thread where the thread's status follows it. */
  function commit(owner: Owner, threadId: string, before: Run | null, after: Run | null, now: number): void {
    const partition = database.partition(owner);
    const changes: Change[] = [{ resource: 'run', before, after }];
    const thread = partition.threads.get(threadId);
    if (thread !== null) {
      const moved = withStatus(thread, runsOf(partition, threadId).statusAfter(before, after), now);
      if (moved !== thread) changes.push({ resource: 'thread', before: thread, after: moved });
    }
    database.commit(owner, changes);
  }

  return {
    ...reads,
    create(owner, input) {
      const partition = database.partition(owner);
      const exists = {
        thread: partition.threads.get(input.threadId) !== null,
        assistant: partition.assistants.get(input.assistantId) !== null,
      };
      const now = database.now();
      const created = newRun(owner, input, exists, now);
      if ('value' in created) commit(owner, input.threadId, null, created.value, now);
      return created;
    },
    update(owner, id, changes) {
      const checked = checkRunPatch(changes);
      if ('refusals' in checked) return checked;
      const partition = database.partition(owner);
      const before = partition.runs.get(id);
      if (before === null) return { value: null };
      const { nextEnded } = runsOf(partition, before.threadId);
      const now = database.now();
      const changed = applyRunPatch(owner, before, checked.value, nextEnded, now);
      if ('value' in changed && changed.value !== before) {
        commit(owner, before.threadId, before, changed.value, now);
      }
      return changed;
    },
    delete(owner, id) {
      const before = database.partition(owner).runs.get(id);
      if (before === null) return { value: null };
      const refusal = refuseRunDelete(before);
      if (refusal !== null) return refused(refusal);
      commit(owner, before.threadId, before, null, database.now());
      return { value: before };
    },
  };
}

function runsOf(partition: OwnerPartition, threadId: string): ThreadRuns {
  return partition.runsOfThread.get(threadId) ?? new ThreadRuns();
}

/** The runs of the thread or assistant that a filter names, and a match for its other conditions. */
function narrowRuns(partition: OwnerPartition, filter: RunFilter): Selection<Run> | null {
  const { threadId, assistantId, parent, ...rest } = filter;
  if (parent !== undefined) {
    const group =
      'threadId' in parent
        ? partition.runsOfThread.get(parent.threadId)
        : partition.runsOfAssistant.get(parent.assistantId);
    return { index: indexOf(group), match: matchRuns({ ...rest, threadId, assistantId }) };
  }
  if (threadId != null) {
    return {
      index: indexOf(partition.runsOfThread.get(threadId)),
      match: matchRuns({ ...rest, assistantId }),
    };
  }
  if (assistantId != null) {
    return { index: indexOf(partition.runsOfAssistant.get(assistantId)), match: matchRuns(rest) };
  }
  return null;
}

function indexOf(group: RunGroup | undefined): SortedIndex<Run> {
  return group?.index ?? new SortedIndex(TIME_ORDERS);
}
