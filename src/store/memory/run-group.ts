import sortedBTree from 'sorted-btree';
import type { Run, ThreadStatus } from '../records.ts';
import { activeCount, threadStatus } from '../rules/status.ts';
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
}

/** The runs of one thread, and the order in which they ended. */
export class ThreadRuns extends RunGroup {
  /** The runs that have ended, by `ended`. */
  readonly #ended = new sortedBTree.default<number, Run>();

  /** The `ended` of the next run that ends. */
  get nextEnded(): number {
    return (this.#ended.maxKey() ?? 0) + 1;
  }

  override replace(before: Run | null, after: Run | null): void {
    super.replace(before, after);
    if (before?.ended != null && before.ended !== after?.ended) this.#ended.delete(before.ended);
    if (after?.ended != null) this.#ended.set(after.ended, after);
  }

  /** How many distinct values `ended` has: fewer than runs that have ended, where two contradict each other. */
  get distinctEnded(): number {
    return this.#ended.size;
  }

  /** The status of the thread after a change of one of its runs; its present status for two nulls. */
  statusAfter(before: Run | null, after: Run | null): ThreadStatus {
    const active = this.active + activeCount(after) - activeCount(before);
    return threadStatus(active, this.#lastEndedAfter(before, after));
  }

  #lastEndedAfter(before: Run | null, after: Run | null): Run | undefined {
    if (after?.ended === this.nextEnded) return after;
    const last = this.#ended.maxKey();
    const isDeleted = after === null && before?.ended === last;
    const key = isDeleted ? this.#ended.nextLowerKey(last) : last;
    return key === undefined ? undefined : this.#ended.get(key);
  }
}
