import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { OrderField } from '../store/query.ts';
import type { AssistantStore, RunQueue, RunStore, Store, Stores, ThreadStore } from '../store/stores.ts';

/** Runs a function within a span. */
export type InSpan = <T>(name: string, work: () => MaybePromise<T>) => MaybePromise<T>;

/**
 * Wraps stores with a span around each call. The span has the name of the method, without owner or arguments. Each
 * store is wrapped when it is first asked for: most requests call one of them.
 */
export function traceStores(stores: Stores, inSpan: InSpan): Stores {
  return new TracedStores(stores, inSpan);
}

class TracedStores implements Stores {
  readonly #stores: Stores;
  readonly #inSpan: InSpan;
  #assistants: AssistantStore | null = null;
  #threads: ThreadStore | null = null;
  #runs: RunStore | null = null;
  #queue: RunQueue | null = null;

  constructor(stores: Stores, inSpan: InSpan) {
    this.#stores = stores;
    this.#inSpan = inSpan;
  }

  get assistants(): AssistantStore {
    return (this.#assistants ??= traceStore('assistants', this.#stores.assistants, this.#inSpan));
  }

  get threads(): ThreadStore {
    return (this.#threads ??= traceStore('threads', this.#stores.threads, this.#inSpan));
  }

  get runs(): RunStore {
    return (this.#runs ??= traceRuns(this.#stores.runs, this.#inSpan));
  }

  get queue(): RunQueue {
    return (this.#queue ??= traceQueue(this.#stores.queue, this.#inSpan));
  }
}

function traceRuns(runs: RunStore, inSpan: InSpan): RunStore {
  return {
    ...traceStore('runs', runs, inSpan),
    cancel: (owner, id, action) => inSpan('runs.cancel', () => runs.cancel(owner, id, action)),
    payload: (owner, id, name) => inSpan('runs.payload', () => runs.payload(owner, id, name)),
    events: (owner, id, range) => inSpan('runs.events', () => runs.events(owner, id, range)),
  };
}

function traceQueue(queue: RunQueue, inSpan: InSpan): RunQueue {
  return {
    claim: (worker, request) => inSpan('queue.claim', () => queue.claim(worker, request)),
    heartbeat: (worker, request) => inSpan('queue.heartbeat', () => queue.heartbeat(worker, request)),
    appendEvents: (worker, request) =>
      inSpan('queue.appendEvents', () => queue.appendEvents(worker, request)),
    checkpoint: (worker, request) => inSpan('queue.checkpoint', () => queue.checkpoint(worker, request)),
    finish: (worker, request) => inSpan('queue.finish', () => queue.finish(worker, request)),
    release: (worker, leases) => inSpan('queue.release', () => queue.release(worker, leases)),
    runOf: (worker, lease) => queue.runOf(worker, lease),
  };
}

function traceStore<R, New, Changes, Filter, Field extends OrderField>(
  name: string,
  store: Store<R, New, Changes, Filter, Field>,
  inSpan: InSpan,
): Store<R, New, Changes, Filter, Field> {
  return {
    create: (owner, input) => inSpan(`${name}.create`, () => store.create(owner, input)),
    get: (owner, id) => inSpan(`${name}.get`, () => store.get(owner, id)),
    getMany: (owner, ids) => inSpan(`${name}.getMany`, () => store.getMany(owner, ids)),
    list: (owner, query) => inSpan(`${name}.list`, () => store.list(owner, query)),
    count: (owner, filter) => inSpan(`${name}.count`, () => store.count(owner, filter)),
    update: (owner, id, changes) => inSpan(`${name}.update`, () => store.update(owner, id, changes)),
    delete: (owner, id) => inSpan(`${name}.delete`, () => store.delete(owner, id)),
  };
}
