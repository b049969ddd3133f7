import type { MaybePromise } from '../../lib/maybe-promise.ts';
import type { OrderField } from '../query.ts';
import type { Store, Stores } from '../stores.ts';
import type { Journal } from './journal.ts';

/**
 * Stores in memory whose mutations answer when they are on disk. So do those that change nothing: what they found may
 * not be on disk yet. Reads do not wait.
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
  /** Throws `StoreUnavailable` when nothing can be stored, or rejects with it. */
  function settle<T>(mutate: () => MaybePromise<T>): MaybePromise<T> {
    if (journal.failure !== null) throw journal.failure;
    const answer = mutate();
    const pending = journal.pending();
    return pending === null ? answer : pending.then(() => answer);
  }

  return {
    ...store,
    create: (owner, input) => settle(() => store.create(owner, input)),
    update: (owner, id, changes) => settle(() => store.update(owner, id, changes)),
    delete: (owner, id) => settle(() => store.delete(owner, id)),
  };
}
