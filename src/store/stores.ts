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
  AssistantPatch,
  NewAssistant,
  NewRun,
  NewThread,
  Run,
  RunPatch,
  Thread,
  ThreadPatch,
} from './records.ts';

/**
 * A store of one resource. Every method takes the owner first, and cannot reach the records of other owners: another
 * owner's id is an unknown id. Mutations are atomic, and their changes are published after they are stored.
 */
export interface Store<R, New, Patch, Filter, Field extends OrderField> {
  /** Creates a record. */
  create(owner: Owner, input: New): MaybePromise<Outcome<R>>;
  /** The record with this id; null where there is none, also for a text that is no id. */
  get(owner: Owner, id: string): MaybePromise<R | null>;
  /** The records with these ids, in the same order; null where there is none. */
  getMany(owner: Owner, ids: readonly string[]): MaybePromise<readonly (R | null)[]>;
  /** A page of a list. @throws BadUserInput for arguments that are not accepted, an invalid cursor among them */
  list(owner: Owner, query: ListQuery<Filter, Field>): MaybePromise<Page<R>>;
  /** How many records match. @throws BadUserInput for a filter that is not accepted */
  count(owner: Owner, filter?: Filter | null): MaybePromise<number>;
  /** Updates a record: the changed record, or null where there is none. */
  update(owner: Owner, id: string, patch: Patch): MaybePromise<Outcome<R | null>>;
  /** Deletes a record: the deleted record, or null where there is none. */
  delete(owner: Owner, id: string): MaybePromise<Outcome<R | null>>;
}

/** The store of assistants. A delete keeps the runs that have ended, and is a `CONFLICT` while a run is active. */
export type AssistantStore = Store<
  Assistant,
  NewAssistant,
  AssistantPatch,
  AssistantFilter,
  AssistantOrderField
>;
/** The store of threads. A delete deletes the thread's runs. */
export type ThreadStore = Store<Thread, NewThread, ThreadPatch, ThreadFilter, ThreadOrderField>;
/** The store of runs. Each mutation updates the status of the run's thread in the same transaction. */
export type RunStore = Store<Run, NewRun, RunPatch, RunFilter, RunOrderField>;

/** The stores of all resources. */
export interface Stores {
  readonly assistants: AssistantStore;
  readonly threads: ThreadStore;
  readonly runs: RunStore;
}

/** How many records of each resource there are. */
export type RecordCounts = Readonly<Record<Change['resource'], number>>;

/** Open stores of any kind. */
export interface OpenedStores {
  /** The stores for one request. A request that only reads sees all data as it was at one moment. */
  forRequest(): Stores;
  /** Whether mutations can be stored now. */
  isReady(): MaybePromise<boolean>;
  /** The records that were loaded into memory; null where the records are in a database. */
  readonly loadedCounts: RecordCounts | null;
  /** Closes the stores. No request may use them any more. */
  close(): MaybePromise<void>;
}
