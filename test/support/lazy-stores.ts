import type { OrderField } from '../../src/store/query.ts';
import type { RunStore, Store, Stores } from '../../src/store/stores.ts';

/** Stores that may still have to be opened: each call waits for them first. */
export function lazyStores(open: () => Promise<Stores>): Stores {
  return {
    assistants: lazyStore(async () => (await open()).assistants),
    threads: lazyStore(async () => (await open()).threads),
    runs: lazyRuns(async () => (await open()).runs),
    queue: {
      claim: async (...args) => (await open()).queue.claim(...args),
      heartbeat: async (...args) => (await open()).queue.heartbeat(...args),
      appendEvents: async (...args) => (await open()).queue.appendEvents(...args),
      checkpoint: async (...args) => (await open()).queue.checkpoint(...args),
      finish: async (...args) => (await open()).queue.finish(...args),
      runOf: async (...args) => (await open()).queue.runOf(...args),
      release: async (...args) => (await open()).queue.release(...args),
    },
  };
}

function lazyRuns(open: () => Promise<RunStore>): RunStore {
  return {
    ...lazyStore(open),
    cancel: async (...args) => (await open()).cancel(...args),
    payload: async (...args) => (await open()).payload(...args),
    events: async (...args) => (await open()).events(...args),
  };
}

function lazyStore<R, New, Changes, Filter, Field extends OrderField>(
  open: () => Promise<Store<R, New, Changes, Filter, Field>>,
): Store<R, New, Changes, Filter, Field> {
  return {
    create: async (...args) => (await open()).create(...args),
    get: async (...args) => (await open()).get(...args),
    getMany: async (...args) => (await open()).getMany(...args),
    list: async (...args) => (await open()).list(...args),
    count: async (...args) => (await open()).count(...args),
    update: async (...args) => (await open()).update(...args),
    delete: async (...args) => (await open()).delete(...args),
  };
}
