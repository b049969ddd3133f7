import type { Change } from '../change.ts';
import { refused } from '../outcome.ts';
import type { Owner } from '../owner.ts';
import type { RunFilter, RunOrderField } from '../query.ts';
import type { Run } from '../records.ts';
import { matchRuns } from '../rules/filter.ts';
import { changeRun, checkRun, newRun, refuseRunDelete } from '../rules/run.ts';
import { moveThread } from '../rules/thread.ts';
import type { RunStore } from '../stores.ts';
import type { Database } from './database.ts';
import { createReads, type Selection } from './reads.ts';
import { type Shelf, type SiblingRuns, ThreadRuns, TIME_ORDERS } from './shelf.ts';
import { SortedLists } from './sorted-lists.ts';

/** The runs in memory. Every method answers at once, save reads whose filter has to look far. */
export function createRuns(database: Database): RunStore {
  const reads = createReads<Run, RunFilter, RunOrderField>(database, {
    resource: 'run',
    table: (shelf) => shelf.runs,
    match: matchRuns,
    narrow: narrowRuns,
  });

  /** Commits a change of a run together with what it makes of its thread's status. */
  function commit(owner: Owner, threadId: string, before: Run | null, after: Run | null, now: number): void {
    const shelf = database.shelf(owner);
    const changes: Change[] = [{ resource: 'run', before, after }];
    const thread = shelf.threads.get(threadId);
    if (thread !== null) {
      const moved = moveThread(thread, runsOf(shelf, threadId).statusAfter(before, after), now);
      if (moved !== thread) changes.push({ resource: 'thread', before: thread, after: moved });
    }
    database.commit(owner, changes);
  }

  return {
    ...reads,
    create(owner, input) {
      const shelf = database.shelf(owner);
      const exists = {
        thread: shelf.threads.get(input.threadId) !== null,
        assistant: shelf.assistants.get(input.assistantId) !== null,
      };
      const now = database.now();
      const created = newRun(owner, input, exists, now);
      if ('value' in created) commit(owner, input.threadId, null, created.value, now);
      return created;
    },
    update(owner, id, changes) {
      const checked = checkRun(changes);
      if ('refusals' in checked) return checked;
      const shelf = database.shelf(owner);
      const before = shelf.runs.get(id);
      if (before === null) return { value: null };
      const { nextEnd } = runsOf(shelf, before.threadId);
      const now = database.now();
      const changed = changeRun(owner, before, checked.value, nextEnd, now);
      if ('value' in changed && changed.value !== before) {
        commit(owner, before.threadId, before, changed.value, now);
      }
      return changed;
    },
    delete(owner, id) {
      const before = database.shelf(owner).runs.get(id);
      if (before === null) return { value: null };
      const refusal = refuseRunDelete(before);
      if (refusal !== null) return refused(refusal);
      commit(owner, before.threadId, before, null, database.now());
      return { value: before };
    },
  };
}

function runsOf(shelf: Shelf, threadId: string): ThreadRuns {
  return shelf.runsOfThread.get(threadId) ?? new ThreadRuns();
}

/** The runs of the thread or the assistant that a filter names; the match leaves out what the list stands for. */
function narrowRuns(shelf: Shelf, filter: RunFilter): Selection<Run> | null {
  const { threadId, assistantId, parent, ...rest } = filter;
  if (parent !== undefined) {
    const siblings =
      'threadId' in parent
        ? shelf.runsOfThread.get(parent.threadId)
        : shelf.runsOfAssistant.get(parent.assistantId);
    return { lists: listOf(siblings), match: matchRuns({ ...rest, threadId, assistantId }) };
  }
  if (threadId != null) {
    return { lists: listOf(shelf.runsOfThread.get(threadId)), match: matchRuns({ ...rest, assistantId }) };
  }
  if (assistantId != null) {
    return { lists: listOf(shelf.runsOfAssistant.get(assistantId)), match: matchRuns(rest) };
  }
  return null;
}

function listOf(siblings: SiblingRuns | undefined): SortedLists<Run> {
  return siblings?.lists ?? new SortedLists(TIME_ORDERS);
}
