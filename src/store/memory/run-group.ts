import sortedBTree from 'sorted-btree';
import type { Run } from '../records.ts';
import { compareWaiting } from '../rules/execution/order.ts';
import { isExecuting, isWaiting } from '../rules/execution/state.ts';
import { activeCount, threadStatus } from '../rules/status.ts';
import type { ThreadState } from '../rules/thread.ts';
import { SortedIndex, TIME_ORDERS } from './sorted-index.ts';

/** The runs of one thread, or of one assistant. */
export class RunGroup {
  readonly index = new SortedIndex<Run>(TIME_ORDERS);
  /** How many are pending or running. */
  active = 0;

  /** Replaces a run; adds it where `before` is null, and removes it where `after` is null. */
  replace(before: Run | null, after: Run | null): void {
    this.index.replace(before, after);
    this.active += activeCount(after) - activeCount(before);
  }

  /** The active runs, in the order in which they were created. */
  activeRuns(): readonly Run[] {
    const found: Run[] = [];
    // Newest first, since most active runs are new.
    for (const run of this.index.scan({ field: 'CREATED_AT', ascending: false })) {
      if (found.length === this.active) break;
      if (run.ended === null) found.push(run);
    }
    return found.toReversed();
  }
}

/** The runs of one thread: the order in which they ended, and that in which they are executed. */
export class ThreadRuns extends RunGroup {
  /** The runs that have ended, by `ended`. */
  readonly #ended = new sortedBTree.default<number, Run>();
  /** The run that is first of those that wait for a worker. */
  #first: Run | null = null;
  /** The others that wait for a worker, in the order of their execution. Null where there are none. */
  #waiting: InstanceType<typeof sortedBTree.default<Run, null>> | null = null;
  /** How many are executing: more than 1 only where `updateRun` has set them RUNNING. */
  #executing = 0;

  /** The `ended` of the next run that ends. */
  get nextEnded(): number {
    return (this.#ended.maxKey() ?? 0) + 1;
  }

  /** The head of the thread's queue: the run that is executed next, once its `availableAt` has come. Null while one is executing, and where none waits. */
  get head(): Run | null {
    return this.#executing > 0 ? null : this.#first;
  }

  override replace(before: Run | null, after: Run | null): void {
    super.replace(before, after);
    if (before?.ended != null && before.ended !== after?.ended) this.#ended.delete(before.ended);
    if (after?.ended != null) this.#ended.set(after.ended, after);
    if (before !== null && isWaiting(before)) this.#removeWaiting(before);
    if (after !== null && isWaiting(after)) this.#addWaiting(after);
    this.#executing +=
      Number(after !== null && isExecuting(after)) - Number(before !== null && isExecuting(before));
  }

  /** How many distinct values `ended` has: fewer than runs that have ended, where two contradict each other. */
  get distinctEnded(): number {
    return this.#ended.size;
  }

  /** What the thread is after a change of one of its runs; its present state for two nulls. */
  stateAfter(before: Run | null, after: Run | null, valuesRunId: string | null): ThreadState {
    const active = this.active + activeCount(after) - activeCount(before);
    return {
      status: threadStatus(active, this.#lastEndedAfter(before, after)),
      valuesRunId: this.#valuesAfter(before, after, valuesRunId),
    };
  }

  /** The run that ended last with an output. */
  lastWithOutput(except: string | null): string | null {
    for (let key = this.#ended.maxKey(); key !== undefined; key = this.#ended.nextLowerKey(key)) {
      const run = this.#ended.get(key);
      if (run?.hasOutput === true && run.id !== except) return run.id;
    }
    return null;
  }

  #addWaiting(run: Run): void {
    const first = this.#first;
    if (first === null) {
      this.#first = run;
      return;
    }
    const isFirst = compareWaiting(run, first) < 0;
    if (isFirst) this.#first = run;
    this.#waiting ??= new sortedBTree.default<Run, null>(undefined, compareWaiting);
    this.#waiting.set(isFirst ? first : run, null);
  }

  #removeWaiting(run: Run): void {
    if (this.#first?.id !== run.id) {
      this.#waiting?.delete(run);
    } else {
      this.#first = this.#waiting?.minKey() ?? null;
      if (this.#first !== null) this.#waiting?.delete(this.#first);
    }
    if (this.#waiting?.size === 0) this.#waiting = null;
  }

  #lastEndedAfter(before: Run | null, after: Run | null): Run | undefined {
    if (after?.ended === this.nextEnded) return after;
    const last = this.#ended.maxKey();
    const isDeleted = after === null && before?.ended === last;
    const key = isDeleted ? this.#ended.nextLowerKey(last) : last;
    return key === undefined ? undefined : this.#ended.get(key);
  }

  #valuesAfter(before: Run | null, after: Run | null, valuesRunId: string | null): string | null {
    if (after === null) return before?.id === valuesRunId ? this.lastWithOutput(valuesRunId) : valuesRunId;
    return before?.ended == null && after.hasOutput ? after.id : valuesRunId;
  }
}
