import sortedBTree from 'sorted-btree';
import type { Change } from '../change.ts';
import type { OrderField } from '../query.ts';
import type { Assistant, Run, Thread, ThreadStatus } from '../records.ts';
import type { Sortable } from '../rules/order.ts';
import { activeOnes, threadStatus } from '../rules/status.ts';
import { SortedLists } from './sorted-lists.ts';

/** What threads and runs can be sorted by. */
export const TIME_ORDERS: readonly OrderField[] = ['CREATED_AT', 'UPDATED_AT'];
/** What assistants can be sorted by. */
export const ASSISTANT_ORDERS: readonly OrderField[] = [...TIME_ORDERS, 'NAME'];

/** All that one owner has. */
export class Shelf {
  readonly assistants = new Table<Assistant>(ASSISTANT_ORDERS);
  readonly threads = new Table<Thread>(TIME_ORDERS);
  readonly runs = new Table<Run>(TIME_ORDERS);
  /** The runs of each thread and of each assistant that has any. An assistant's stay when it is deleted. */
  readonly runsOfThread = new Map<string, ThreadRuns>();
  readonly runsOfAssistant = new Map<string, SiblingRuns>();

  get isEmpty(): boolean {
    return this.assistants.size + this.threads.size + this.runs.size === 0;
  }

  /** Makes a change. */
  apply(change: Change): void {
    switch (change.resource) {
      case 'assistant':
        return this.assistants.replace(change.before, change.after);
      case 'thread':
        return this.threads.replace(change.before, change.after);
      case 'run':
        return this.#applyToRuns(change.before, change.after);
    }
  }

  /** Takes a change back: the last one that has not been taken back. */
  revert(change: Change): void {
    switch (change.resource) {
      case 'assistant':
        return this.assistants.replace(change.after, change.before);
      case 'thread':
        return this.threads.replace(change.after, change.before);
      case 'run':
        return this.#applyToRuns(change.after, change.before);
    }
  }

  #applyToRuns(before: Run | null, after: Run | null): void {
    const run = after ?? before;
    if (run === null) return;
    this.runs.replace(before, after);
    replaceSibling(this.runsOfThread, run.threadId, () => new ThreadRuns(), before, after);
    replaceSibling(this.runsOfAssistant, run.assistantId, () => new SiblingRuns(), before, after);
  }
}

/** Records by id and in order. */
export class Table<R extends Sortable> {
  readonly #byId = new Map<string, R>();
  /** The same records, sorted. */
  readonly lists: SortedLists<R>;

  constructor(fields: readonly OrderField[]) {
    this.lists = new SortedLists(fields);
  }

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): R | null {
    return this.#byId.get(id) ?? null;
  }

  replace(before: R | null, after: R | null): void {
    this.lists.replace(before, after);
    if (after !== null) this.#byId.set(after.id, after);
    else if (before !== null) this.#byId.delete(before.id);
  }
}

/** The runs that have a thread or an assistant in common. */
export class SiblingRuns {
  readonly lists = new SortedLists<Run>(TIME_ORDERS);
  /** How many are pending or running. */
  active = 0;

  replace(before: Run | null, after: Run | null): void {
    this.lists.replace(before, after);
    this.active += activeOnes(after) - activeOnes(before);
  }
}

/** The runs of a thread, which also know in what order they ended. */
export class ThreadRuns extends SiblingRuns {
  readonly #ended = new sortedBTree.default<number, Run>();

  /** The place in that order of the next one to end. */
  get nextEnd(): number {
    return (this.#ended.maxKey() ?? 0) + 1;
  }

  override replace(before: Run | null, after: Run | null): void {
    super.replace(before, after);
    if (before?.ended != null && before.ended !== after?.ended) this.#ended.delete(before.ended);
    if (after?.ended != null) this.#ended.set(after.ended, after);
  }

  /** How many have ended, each at a place of its own: fewer, when two claim the same. */
  get ends(): number {
    return this.#ended.size;
  }

  /** The status of the thread, were one of its runs changed so. */
  statusAfter(before: Run | null, after: Run | null): ThreadStatus {
    return threadStatus(this.active + activeOnes(after) - activeOnes(before), this.#lastEnded(before, after));
  }

  #lastEnded(before: Run | null, after: Run | null): Run | undefined {
    if (after?.ended === this.nextEnd) return after;
    const last = this.#ended.maxKey();
    const stays = after !== null || before?.ended !== last;
    const place = stays ? last : this.#ended.nextLowerKey(last);
    return place === undefined ? undefined : this.#ended.get(place);
  }
}

function replaceSibling<S extends SiblingRuns>(
  groups: Map<string, S>,
  id: string,
  make: () => S,
  before: Run | null,
  after: Run | null,
): void {
  let group = groups.get(id);
  if (group === undefined) groups.set(id, (group = make()));
  group.replace(before, after);
  if (group.lists.size === 0) groups.delete(id);
}
