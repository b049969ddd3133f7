import { errorMessage } from '../lib/error-message.ts';
import type { JsonObject } from '../worker/claimed-run.ts';

/** Sends an event. */
export type Emit = (type: string, data: JsonObject) => Promise<void>;

/** An `Emit` that never throws: in place of an event that cannot be stored it says that there was one. */
export function orSayDropped(emit: Emit): Emit {
  return async (type, data) => {
    try {
      await emit(type, data);
    } catch (error) {
      await emit('CUSTOM', { name: 'langgraph.dropped', value: { type, reason: errorMessage(error) } });
    }
  };
}
