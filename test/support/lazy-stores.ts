import type { OrderField } from '../../src/store/query.ts';
import type { Store, Stores } from '../../src/store/stores.ts';

/** Stores that may still have to be opened: each call waits for them first. */
export function lazyStores(open: () => Promise<Stores>): Stores {
  return {
    assistants: lazyStore(async () => (await open()).assistants),
    threads: lazyStore(async () => (await open()).threads),
    runs: lazyStore(async () => (await open()).runs),
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
