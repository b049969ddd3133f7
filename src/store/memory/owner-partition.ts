import type { Change } from '../change.ts';
import type { Detail, KeyRecord } from '../detail.ts';
import { type Execution, NO_EXECUTION, NO_PAYLOADS, type RunPayloads, type RunState } from '../execution.ts';
import type { Assistant, Run, Thread } from '../records.ts';
import type { StoredRun } from '../rules/execution/steps.ts';
import { RunGroup, ThreadRuns } from './run-group.ts';
import { ASSISTANT_ORDERS, TIME_ORDERS } from './sorted-index.ts';
import { Table } from './table.ts';

/** All records of one owner. */
export class OwnerPartition {
  readonly assistants = new Table<Assistant>(ASSISTANT_ORDERS);
  readonly threads = new Table<Thread>(TIME_ORDERS);
  readonly runs = new Table<Run>(TIME_ORDERS);
  /** The runs of each thread that has any, by the thread's id. */
  readonly runsOfThread = new Map<string, ThreadRuns>();
  /** The runs of each assistant that has any, by the assistant's id, whether or not the assistant was deleted. */
  readonly runsOfAssistant = new Map<string, RunGroup>();
  /** The executions of runs that workers have had, by the run's id. */
  readonly executions = new Map<string, Execution>();
  /** The payloads of runs that have any, by the run's id. */
  readonly payloads = new Map<string, RunPayloads>();
  /** What each idempotency key made, by `keyId`. */
  readonly keys = new Map<string, KeyRecord>();
  /** The id of the key that made a record, by the record's id. */
  readonly #keyOfRecord = new Map<string, string>();

  get isEmpty(): boolean {
    return this.assistants.size + this.threads.size + this.runs.size === 0;
  }

  /** A run with its execution; null where there is none. */
  stateOf(id: string): RunState | null {
    const run = this.runs.get(id);
    return run && { run, execution: this.executions.get(id) ?? NO_EXECUTION };
  }

  /** A run as the rules of its execution take it; null where there is none. */
  storedRun(id: string): StoredRun | null {
    const state = this.stateOf(id);
    return state && { ...state, nextEnded: this.runsOf(state.run.threadId).nextEnded };
  }

  /** The runs of a thread. */
  runsOf(threadId: string): ThreadRuns {
    return this.runsOfThread.get(threadId) ?? new ThreadRuns();
  }

  payloadsOf(runId: string): RunPayloads {
    return this.payloads.get(runId) ?? NO_PAYLOADS;
  }

  /** The deletions of what belongs to a deleted record. */
  detailsOf({
    resource,
    id,
  }: {
    readonly resource: Change['resource'];
    readonly id: string;
  }): readonly Detail[] {
    const key = this.#keyOfRecord.get(id);
    const made = key === undefined ? undefined : this.keys.get(key);
    const execution = resource === 'run' ? this.executions.get(id) : undefined;
    const payloads = resource === 'run' ? this.payloads.get(id) : undefined;
    const details: Detail[] = [];
    if (key !== undefined && made !== undefined) {
      details.push({ kind: 'key', id: key, before: made, after: null });
    }
    if (execution !== undefined) details.push({ kind: 'execution', id, before: execution, after: null });
    if (payloads !== undefined) details.push({ kind: 'payloads', id, before: payloads, after: null });
    return details;
  }

  /** Applies a change. */
  apply(change: Change): void {
    switch (change.resource) {
      case 'assistant':
        return this.assistants.replace(change.before, change.after);
      case 'thread':
        return this.threads.replace(change.before, change.after);
      case 'run':
        return this.#replaceRun(change.before, change.after);
    }
  }

  /** Reverts a change: the latest one that is not reverted yet. */
  revert(change: Change): void {
    switch (change.resource) {
      case 'assistant':
        return this.assistants.replace(change.after, change.before);
      case 'thread':
        return this.threads.replace(change.after, change.before);
      case 'run':
        return this.#replaceRun(change.after, change.before);
    }
  }

  /** Applies the change of a detail. */
  applyDetail(detail: Detail): void {
    switch (detail.kind) {
      case 'execution':
        return setOrDelete(this.executions, detail.id, detail.after);
      case 'payloads':
        return setOrDelete(this.payloads, detail.id, detail.after);
      case 'key':
        return this.#replaceKey(detail.id, detail.before, detail.after);
    }
  }

  /** Reverts the change of a detail: the latest one that is not reverted yet. */
  revertDetail(detail: Detail): void {
    switch (detail.kind) {
      case 'execution':
        return setOrDelete(this.executions, detail.id, detail.before);
      case 'payloads':
        return setOrDelete(this.payloads, detail.id, detail.before);
      case 'key':
        return this.#replaceKey(detail.id, detail.after, detail.before);
    }
  }

  #replaceRun(before: Run | null, after: Run | null): void {
    const run = after ?? before;
    if (run === null) return;
    this.runs.replace(before, after);
    replaceInGroup(this.runsOfThread, run.threadId, () => new ThreadRuns(), before, after);
    replaceInGroup(this.runsOfAssistant, run.assistantId, () => new RunGroup(), before, after);
  }

  #replaceKey(id: string, before: KeyRecord | null, after: KeyRecord | null): void {
    setOrDelete(this.keys, id, after);
    if (before !== null) this.#keyOfRecord.delete(before.recordId);
    if (after !== null) this.#keyOfRecord.set(after.recordId, id);
  }
}

function setOrDelete<T>(map: Map<string, T>, id: string, value: T | null): void {
  if (value === null) map.delete(id);
  else map.set(id, value);
}

/** Replaces a run in its group, which is created before its first run and removed with its last. */
function replaceInGroup<Group extends RunGroup>(
  groups: Map<string, Group>,
  id: string,
  create: () => Group,
  before: Run | null,
  after: Run | null,
): void {
  let group = groups.get(id);
  if (group === undefined) groups.set(id, (group = create()));
  group.replace(before, after);
  if (group.index.size === 0) groups.delete(id);
}
