import type { Detail, EventChange } from '../detail.ts';
import { NO_PAYLOADS } from '../execution.ts';
import { type CreateOutcome, refused } from '../outcome.ts';
import type { Owner } from '../owner.ts';
import type { RunFilter, RunOrderField } from '../query.ts';
import type { NewRun, Run } from '../records.ts';
import { cancelRun } from '../rules/execution/cancel.ts';
import { matchRuns } from '../rules/filter.ts';
import { RUN_DEFAULTS } from '../rules/idempotency.ts';
import { applyRunPatch, checkNewRun, checkRunPatch, newRun, refuseRunDelete } from '../rules/run.ts';
import type { RunStore } from '../stores.ts';
import { createOnce } from './creation.ts';
import type { Database } from './database.ts';
import type { OwnerPartition } from './owner-partition.ts';
import { createReads, type Selection } from './reads.ts';
import type { RunGroup } from './run-group.ts';
import { SortedIndex, TIME_ORDERS } from './sorted-index.ts';
import { runChanges, stepDetails } from './step-mutation.ts';

/** The runs in memory. Methods are synchronous, except for reads whose filter has to compare many records. */
export function createRuns(database: Database): RunStore {
  const reads = createReads<Run, RunFilter, RunOrderField>(database, {
    resource: 'run',
    table: (partition) => partition.runs,
    match: matchRuns,
    narrow: narrowRuns,
  });

  return {
    ...reads,
    create: (owner, input) =>
      createOnce(database, owner, {
        resource: 'run',
        input,
        defaults: RUN_DEFAULTS,
        table: database.partition(owner).runs,
        create: (keyDetails) => createRun(database, owner, input, keyDetails),
      }),
    update(owner, id, changes) {
      const checked = checkRunPatch(changes);
      if ('refusals' in checked) return checked;
      const stored = database.partition(owner).storedRun(id);
      if (stored === null) return { value: null };
      const now = database.now();
      const changed = applyRunPatch(owner, stored, checked.value, now);
      if ('refusals' in changed) return changed;
      if (changed.value === null) return { value: stored.run };
      database.commitStep(owner, stored, changed.value, now);
      return { value: changed.value.run };
    },
    delete(owner, id) {
      const partition = database.partition(owner);
      const before = partition.runs.get(id);
      if (before === null) return { value: null };
      const refusal = refuseRunDelete(before);
      if (refusal !== null) return refused(refusal);
      database.commit(owner, runChanges(partition, before, null, database.now()));
      return { value: before };
    },
    cancel(owner, id, action) {
      const stored = database.partition(owner).storedRun(id);
      if (stored === null) return null;
      const now = database.now();
      const step = cancelRun(stored, action, now);
      if (step !== null) database.commitStep(owner, stored, step, now);
      return step?.run ?? stored.run;
    },
    payload: (owner, id, name) => database.partition(owner).payloadsOf(id)[name],
    events(owner, id, range) {
      const state = database.partition(owner).stateOf(id);
      if (state === null) return null;
      const { droppedSeq, lastSeq } = state.execution;
      return {
        run: state.run,
        events: database.events.read(owner, id, range),
        missedUpTo: range.after < droppedSeq ? droppedSeq : null,
        lastSeq,
      };
    },
  };
}

function createRun(
  database: Database,
  owner: Owner,
  input: NewRun,
  keyDetails: (id: string) => readonly Detail[],
): CreateOutcome<Run> {
  const checked = checkNewRun(owner, input);
  if ('refusals' in checked) return checked;
  const partition = database.partition(owner);
  const { threadId, assistantId, resumes, multitaskStrategy } = checked.value;
  const runs = partition.runsOf(threadId ?? '');
  const isAlone = multitaskStrategy === 'ENQUEUE' && resumes === null;
  const context = {
    thread: threadId === null ? null : partition.threads.get(threadId),
    hasAssistant: partition.assistants.get(assistantId) !== null,
    resumed: resumes === null ? null : partition.runs.get(resumes),
    active: isAlone ? [] : runs.activeRuns().flatMap(({ id }) => partition.stateOf(id) ?? []),
    nextEnded: runs.nextEnded,
  };
  const now = database.now();
  const created = newRun(owner, checked.value, context, now);
  if ('refusals' in created) return created;
  const { run, cancellations, changes } = created.value;
  const { input: payload } = checked.value;
  const details: Detail[] = [...keyDetails(run.id)];
  const events: EventChange[] = [];
  for (const { stored, step } of cancellations) {
    const rest = stepDetails(partition, stored, step);
    details.push(...rest.details);
    events.push(...rest.events);
  }
  if (payload !== null) {
    const after = Object.freeze({ ...NO_PAYLOADS, input: payload });
    details.push({ kind: 'payloads', id: run.id, before: null, after });
  }
  database.commit(owner, changes, details, events);
  return { value: run, replayed: false };
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
