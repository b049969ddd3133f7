import type { MaybePromise } from '../../lib/maybe-promise.ts';
import type { OrderField } from '../query.ts';
import type { RunQueue, RunStore, Store, Stores } from '../stores.ts';
import type { Journal } from './journal.ts';

/** Runs a mutation; resolves when all mutations up to it are durable. Throws or rejects with `StoreUnavailable`. */
type WhenDurable = <T>(mutate: () => MaybePromise<T>) => MaybePromise<T>;

/**
 * Stores in memory whose mutations resolve when they are durable; so do those that change nothing, since the state that
 * they are based on may not be durable yet. Reads do not wait.
 */
export function createDurableStores({ assistants, threads, runs, queue }: Stores, journal: Journal): Stores {
  const whenDurable: WhenDurable = (mutate) => {
    if (journal.failure !== null) throw journal.failure;
    const result = mutate();
    const pending = journal.pending();
    return pending === null ? result : pending.then(() => result);
  };
  return {
    assistants: durable(assistants, whenDurable),
    threads: durable(threads, whenDurable),
    runs: durableRuns(runs, whenDurable),
    queue: durableQueue(queue, whenDurable),
  };
}

function durable<R, New, Changes, Filter, Field extends OrderField>(
  store: Store<R, New, Changes, Filter, Field>,
  whenDurable: WhenDurable,
): Store<R, New, Changes, Filter, Field> {
  return {
    ...store,
    create: (owner, input) => whenDurable(() => store.create(owner, input)),
    update: (owner, id, changes) => whenDurable(() => store.update(owner, id, changes)),
    delete: (owner, id) => whenDurable(() => store.delete(owner, id)),
  };
}

function durableRuns(runs: RunStore, whenDurable: WhenDurable): RunStore {
  return {
    ...runs,
    ...durable(runs, whenDurable),
    cancel: (owner, id, action) => whenDurable(() => runs.cancel(owner, id, action)),
  };
}

function durableQueue(queue: RunQueue, whenDurable: WhenDurable): RunQueue {
  return {
    claim: (worker, request) => whenDurable(() => queue.claim(worker, request)),
    heartbeat: (worker, request) => whenDurable(() => queue.heartbeat(worker, request)),
    appendEvents: (worker, request) => whenDurable(() => queue.appendEvents(worker, request)),
    checkpoint: (worker, request) => whenDurable(() => queue.checkpoint(worker, request)),
    finish: (worker, request) => whenDurable(() => queue.finish(worker, request)),
    runOf: (worker, lease) => queue.runOf(worker, lease),
    release: (worker, leases) => whenDurable(() => queue.release(worker, leases)),
  };
}
