import type { Stores } from '../../src/store/stores.ts';
import { eachCall } from './each-call.ts';

/** The outcomes of store calls, by the call, in the order in which they were made. */
export type Recording = Map<string, (() => unknown)[]>;

/** Stores that add the outcome of each call to a recording. */
export function recordedStores(stores: Stores, recording: Recording): Stores {
  return eachCall(stores, (call, work) => {
    const outcome = outcomeOf(work);
    recording.set(call, [...(recording.get(call) ?? []), outcome]);
    return outcome();
  });
}

/** Stores that answer from the beginning of a recording. A call that is not in it throws a TypeError. */
export function replayedStores(stores: Stores, recording: Recording): Stores {
  const left = new Map(Array.from(recording, ([call, outcomes]) => [call, [...outcomes]]));
  return eachCall(stores, (call) => {
    const outcome = left.get(call)?.shift();
    if (outcome === undefined) throw new TypeError(`This call was not recorded: ${call}`);
    return outcome();
  });
}

function outcomeOf(work: () => unknown): () => unknown {
  try {
    const value = work();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
