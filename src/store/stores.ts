import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Change } from './change.ts';
import type { Outcome } from './outcome.ts';
import type { Owner } from './owner.ts';
import type {
  AssistantFilter,
  AssistantOrderField,
  ListQuery,
  OrderField,
  Page,
  RunFilter,
  RunOrderField,
  ThreadFilter,
  ThreadOrderField,
} from './query.ts';
import type {
  Assistant,
  AssistantChanges,
  NewAssistant,
  NewRun,
  NewThread,
  Run,
  RunChanges,
  Thread,
  ThreadChanges,
} from './records.ts';

/**
 * A store of one resource. Every method takes the owner first and knows nothing of other owners' records: to it,
 * another owner's id is an unknown one. Mutations are atomic, and their changes are published after they are stored.
 */
export interface Store<R, New, Changes, Filter, Field extends OrderField> {
  /** Stores a new record. */
  create(owner: Owner, input: New): MaybePromise<Outcome<R>>;
  /** The record, or null where there is none. Any string may be asked for. */
  get(owner: Owner, id: string): MaybePromise<R | null>;
  /** The records in the order asked for, null where there is none. */
  getMany(owner: Owner, ids: readonly string[]): MaybePromise<readonly (R | null)[]>;
  /** A page of a list. Throws `BadUserInput` for arguments or a cursor that cannot be. */
  list(owner: Owner, query: ListQuery<Filter, Field>): MaybePromise<Page<R>>;
  /** How many records match. Throws `BadUserInput` as {@link list} does. */
  count(owner: Owner, filter?: Filter | null): MaybePromise<number>;
  /** Changes a record: the record as changed, or null where there is none. */
  update(owner: Owner, id: string, changes: Changes): MaybePromise<Outcome<R | null>>;
  /** Deletes a record: the record as it was, or null where there was none. */
  delete(owner: Owner, id: string): MaybePromise<Outcome<R | null>>;
}

/** The assistants. Deleting one keeps its finished runs, and is a `CONFLICT` while one of its runs is active. */
export type AssistantStore = Store<
  Assistant,
  NewAssistant,
  AssistantChanges,
  AssistantFilter,
  AssistantOrderField
>;
/** The threads. Deleting one deletes its runs. */
export type ThreadStore = Store<Thread, NewThread, ThreadChanges, ThreadFilter, ThreadOrderField>;
/** The runs. Each change of one works out its thread's status in the same step. */
export type RunStore = Store<Run, NewRun, RunChanges, RunFilter, RunOrderField>;

/** The three stores: one such value serves the whole process. */
export interface Stores {
  readonly assistants: AssistantStore;
  readonly threads: ThreadStore;
  readonly runs: RunStore;
}

/** How many records of each kind there are. */
export type Counts = Readonly<Record<Change['resource'], number>>;

/** Stores that a process has opened, whatever they are made of. */
export interface OpenedStores {
  /** The stores as one request sees them: one that only reads sees all of its data as it was at one moment. */
  forRequest(): Stores;
  /** Whether a mutation could be stored now. */
  isReady(): MaybePromise<boolean>;
  /** What this process held when the stores were opened; null where the records are elsewhere. */
  readonly held: Counts | null;
  /** Lets go of what they hold open, once nothing uses them any more. */
  close(): MaybePromise<void>;
}
