import { setImmediate as nextTurn } from 'node:timers/promises';
import { BadUserInput } from '../../src/store/bad-user-input.ts';
import type { Stores } from '../../src/store/stores.ts';
import { StoreUnavailable } from '../../src/store/unavailable.ts';
import { eachCall } from './each-call.ts';

/** How a store answers a call. With `hang` it never does. */
export type Fault = (typeof AT_ONCE)[number] | (typeof LATER)[number] | 'hang';
/** Faults whose outcome is known when the call returns. */
export const AT_ONCE = ['value', 'null', 'throw', 'refuse'] as const;
/** Faults whose outcome is a promise. */
export const LATER = ['promise', 'late value', 'late null', 'reject', 'late refusal', 'late outage'] as const;

/** Stores whose calls have faults. @param faultOf the fault of a call, which is its name and arguments as text */
export function faultyStores(stores: Stores, faultOf: (call: string) => Fault): Stores {
  return eachCall(stores, (call, work) => answer(faultOf(call), call, work));
}

function answer(fault: Fault, call: string, work: () => unknown): unknown {
  // Only `get` may return null.
  const orNull = (): unknown => (/^\w+\.get /.test(call) ? null : work());
  switch (fault) {
    case 'value':
      return work();
    case 'null':
      return orNull();
    case 'throw':
      throw new Error('The disk is full.');
    case 'refuse':
      throw new BadUserInput('`first` must be smaller.');
    case 'promise':
      return Promise.resolve().then(work);
    case 'late value':
      return nextTurn().then(work);
    case 'late null':
      return nextTurn().then(orNull);
    case 'reject':
      return Promise.reject(new TypeError('The disk is full.'));
    case 'late refusal':
      return nextTurn().then(() => Promise.reject(new BadUserInput('`first` must be smaller.')));
    case 'hang':
      return new Promise(() => {});
    case 'late outage':
      return nextTurn().then(() => Promise.reject(new StoreUnavailable('The store is away.')));
  }
}
