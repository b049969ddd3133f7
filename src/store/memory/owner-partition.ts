import type { Change } from '../change.ts';
import type { Assistant, Run, Thread } from '../records.ts';
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

  get isEmpty(): boolean {
    return this.assistants.size + this.threads.size + this.runs.size === 0;
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

  #replaceRun(before: Run | null, after: Run | null): void {
    const run = after ?? before;
    if (run === null) return;
    this.runs.replace(before, after);
    replaceInGroup(this.runsOfThread, run.threadId, () => new ThreadRuns(), before, after);
    replaceInGroup(this.runsOfAssistant, run.assistantId, () => new RunGroup(), before, after);
  }
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
