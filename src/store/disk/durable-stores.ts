import type { MaybePromise } from '../../lib/maybe-promise.ts';
import type { OrderField } from '../query.ts';
import type { Store, Stores } from '../stores.ts';
import type { Journal } from './journal.ts';

/**
 * Stores in memory whose mutations resolve when they are durable; so do those that change nothing, since the state that
 * they are based on may not be durable yet. Reads do not wait.
 */
export function createDurableStores({ assistants, threads, runs }: Stores, journal: Journal): Stores {
  return {
    assistants: durable(assistants, journal),
    threads: durable(threads, journal),
    runs: durable(runs, journal),
  };
}

function durable<R, New, Changes, Filter, Field extends OrderField>(
  store: Store<R, New, Changes, Filter, Field>,
  journal: Journal,
): Store<R, New, Changes, Filter, Field> {
  /** Resolves when all mutations up to this one are durable. Throws or rejects with `StoreUnavailable`. */
  function whenDurable<T>(mutate: () => MaybePromise<T>): MaybePromise<T> {
    if (journal.failure !== null) throw journal.failure;
    const result = mutate();
    const pending = journal.pending();
    return pending === null ? result : pending.then(() => result);
  }

  return {
    ...store,
    create: (owner, input) => whenDurable(() => store.create(owner, input)),
    update: (owner, id, changes) => whenDurable(() => store.update(owner, id, changes)),
    delete: (owner, id) => whenDurable(() => store.delete(owner, id)),
  };
}
