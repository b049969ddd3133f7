import { setImmediate as nextTurn } from 'node:timers/promises';
import { BadUserInput } from '../../src/store/bad-user-input.ts';
import type { Stores } from '../../src/store/stores.ts';
import { StoreUnavailable } from '../../src/store/unavailable.ts';
import { eachCall } from './recorded-stores.ts';

/** What may come of a call of a store. */
export type Fate = 'value' | 'nothing' | 'throw' | 'refuse' | Later;
/** Those of which nothing is known at once. */
export type Later = 'promise' | 'late' | 'nothing later' | 'reject' | 'refuse later' | 'outage';

/** Stores whose calls meet fates. @param fate the next one of a method */
export function faultyStores(stores: Stores, fate: (method: string) => Fate): Stores {
  return eachCall(stores, (call, work) => meet(fate(call.slice(0, call.indexOf(' '))), call, work));
}

function meet(fate: Fate, call: string, work: () => unknown): unknown {
  switch (fate) {
    case 'value':
      return work();
    case 'promise':
      return Promise.resolve().then(work);
    case 'late':
      return nextTurn().then(work);
    case 'nothing':
      // What a list and a count give is never null.
      return /^\w+\.get /.test(call) ? null : work();
    case 'refuse later':
      return nextTurn().then(() => meet('refuse', call, work));
    case 'throw':
      throw new Error('The disk is full.');
    case 'reject':
      return Promise.reject(new TypeError('The disk is full.'));
    case 'refuse':
      throw new BadUserInput('`first` is not to be liked.');
    case 'nothing later':
      return nextTurn().then(() => (/^\w+\.get /.test(call) ? null : work()));
    case 'outage':
      return nextTurn().then(() => Promise.reject(new StoreUnavailable('The store is away.')));
  }
}
