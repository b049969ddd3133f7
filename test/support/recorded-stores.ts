import { AsyncLocalStorage } from 'node:async_hooks';
import type { Stores } from '../../src/store/stores.ts';

/** What the stores answered to a request: for each call, by its arguments, what came of it each time. */
export type Recording = Map<string, (() => unknown)[]>;

/** A recording with nothing in it. */
export function newRecording(): Recording {
  return new Map();
}

/** The same recording from its beginning on. */
export function rewound(recording: Recording): Recording {
  return new Map(Array.from(recording, ([call, outcomes]) => [call, [...outcomes]]));
}

const current = new AsyncLocalStorage<Recording>();

/** Does work whose calls of stores are recorded, or answered from a recording. */
export function inRecording<T>(recording: Recording, work: () => T): T {
  return current.run(recording, work);
}

/** Stores that write down what they answer, and stores that answer from what was written down. */
export function recordStores(open: () => Stores): {
  readonly record: () => Stores;
  readonly replay: () => Stores;
} {
  return {
    record: () =>
      eachCall(open(), (call, work) => {
        const outcome = outcomeOf(work);
        const recording = current.getStore();
        recording?.set(call, [...(recording.get(call) ?? []), outcome]);
        return outcome();
      }),
    replay: () => eachCall(open(), replay),
  };
}

function replay(call: string): unknown {
  const outcome = current.getStore()?.get(call)?.shift();
  if (outcome === undefined) throw new TypeError(`This was not asked before: ${call}`);
  return outcome();
}

function outcomeOf(work: () => unknown): () => unknown {
  try {
    const value = work();
    // Whoever asked hears of it; nobody may ask again.
    if (value instanceof Promise) value.catch(() => {});
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

type OnCall = (call: string, work: () => unknown) => unknown;

/** Stores whose calls somebody else makes. */
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
        onCall(`${store}.${String(name)} ${shown(args)}`, () => Reflect.apply(method, all, args));
    },
  });
}

/** Arguments as text; those that are nested without end are all the same. */
function shown(args: readonly unknown[]): string {
  try {
    return JSON.stringify(args);
  } catch {
    return '…';
  }
}
