import type { Stores } from '../../src/store/stores.ts';

/** Stands in for a store call. @param call its name and arguments as text @param work makes the call */
export type OnCall = (call: string, work: () => unknown) => unknown;

/** Stores whose calls are made by a function. */
export function eachCall(stores: Stores, onCall: OnCall): Stores {
  return new Proxy(stores, {
    get: (all, name, receiver) => eachMethod(String(name), Reflect.get(all, name, receiver), onCall),
  });
}

function eachMethod(store: string, methods: unknown, onCall: OnCall): unknown {
  if (typeof methods !== 'object' || methods === null) return methods;
  return new Proxy(methods, {
    get(all, name, receiver) {
      const method: unknown = Reflect.get(all, name, receiver);
      if (typeof method !== 'function') return method;
      return (...args: unknown[]): unknown =>
        onCall(`${store}.${String(name)} ${JSON.stringify(args)}`, () => Reflect.apply(method, all, args));
    },
  });
}
