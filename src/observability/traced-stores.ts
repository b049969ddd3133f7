import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { OrderField } from '../store/query.ts';
import type { RunQueue, RunStore, Store, Stores } from '../store/stores.ts';

/** Runs a function within a span. */
export type InSpan = <T>(name: string, work: () => MaybePromise<T>) => MaybePromise<T>;

/** Wraps stores with a span around each call. The span has the name of the method, without owner or arguments. */
export function traceStores(stores: Stores, inSpan: InSpan): Stores {
  return {
    assistants: traceStore('assistants', stores.assistants, inSpan),
    threads: traceStore('threads', stores.threads, inSpan),
    runs: traceRuns(stores.runs, inSpan),
    queue: traceQueue(stores.queue, inSpan),
  };
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
