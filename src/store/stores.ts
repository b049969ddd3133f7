import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Change } from './change.ts';
import type { EventPage, RunPayloads } from './execution.ts';
import type { CreateOutcome, Outcome } from './outcome.ts';
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
  AppendOutcome,
  AppendRequest,
  CheckpointRequest,
  Claim,
  ClaimRequest,
  EndResult,
  FinishRequest,
  HeartbeatRequest,
  LeaseState,
} from './queue.ts';
import type {
  Assistant,
  AssistantPatch,
  CancelAction,
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
  /** Creates a record, or returns the one that was created with the same idempotency key. */
  create(owner: Owner, input: New): MaybePromise<CreateOutcome<R>>;
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
/** The store of runs. Each mutation updates the run's thread in the same transaction. */
export interface RunStore extends Store<Run, NewRun, RunPatch, RunFilter, RunOrderField> {
  /**
   * Cancels a run: it ends at once where no worker holds it, else its worker learns of the request in its next call.
   * The run after that; null where there is none.
   */
  cancel(owner: Owner, id: string, action: CancelAction): MaybePromise<Run | null>;
  /** A payload of a run as compact JSON; null where there is none. */
  payload(owner: Owner, id: string, name: keyof RunPayloads): MaybePromise<string | null>;
  /**
   * The events of a run with a greater `seq` than `after`; null where there is no run. Events are left out beyond
   * `limit`, or once there are `maxBytes` of them.
   */
  events(
    owner: Owner,
    id: string,
    range: { readonly after: number; readonly limit: number; readonly maxBytes: number },
  ): MaybePromise<EventPage | null>;
}

/**
 * The waiting runs, and those that workers hold. Each method takes the owner that the worker's token names: without
 * `allOwners` it reaches the runs of that owner alone, and with a lease the run that the lease names.
 */
export interface RunQueue {
  /** Claims waiting runs for a worker, and returns at once where there are none. */
  claim(worker: Owner, request: ClaimRequest): MaybePromise<Outcome<readonly Claim[]>>;
  /** Renews leases. Their states, in the same order. @throws BadUserInput for more than 100 */
  heartbeat(worker: Owner, request: HeartbeatRequest): MaybePromise<Outcome<readonly LeaseState[]>>;
  /** Appends events to a run, each once. @throws BadUserInput for more than 100 */
  appendEvents(worker: Owner, request: AppendRequest): MaybePromise<AppendOutcome>;
  /** Saves the state that the next attempt continues from. */
  checkpoint(worker: Owner, request: CheckpointRequest): MaybePromise<Outcome<LeaseState>>;
  /** Ends an attempt: the run ends, or gets another attempt. */
  finish(worker: Owner, request: FinishRequest): MaybePromise<Outcome<EndResult>>;
  /** The run that a lease names; null for a lease that was not given to this worker. */
  runOf(worker: Owner, lease: string): MaybePromise<{ readonly owner: Owner; readonly runId: string } | null>;
  /** Returns runs to the queue at once. @throws BadUserInput for more than 100 */
  release(worker: Owner, leases: readonly string[]): MaybePromise<readonly LeaseState[]>;
}

/** The stores of all resources. */
export interface Stores {
  readonly assistants: AssistantStore;
  readonly threads: ThreadStore;
  readonly runs: RunStore;
  readonly queue: RunQueue;
}

/** How many records of each resource there are. */
export type RecordCounts = Readonly<Record<Change['resource'], number>>;

/** How many records of each resource there are, and how many of the runs are active, by status. */
export interface HeldCounts extends RecordCounts {
  readonly activeRuns: Readonly<Record<'PENDING' | 'RUNNING', number>>;
}

/** Open stores of any kind. */
export interface OpenedStores {
  /** The stores for one request. A request that only reads sees all data as it was at one moment. */
  forRequest(): Stores;
  /** Whether mutations can be stored now. */
  isReady(): MaybePromise<boolean>;
  /** The records that were loaded into memory; null where the records are in a database. */
  readonly loadedCounts: HeldCounts | null;
  /**
   * Handles everything that is due: lost leases, timeouts, overdue cancellations, delays, old events. The stores sweep
   * every half second themselves. Of several servers on one database, one handles each item.
   */
  sweep(): MaybePromise<void>;
  /** Closes the stores. No request may use them any more. */
  close(): MaybePromise<void>;
}
