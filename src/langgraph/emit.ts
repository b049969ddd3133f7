import { errorMessage } from '../lib/error-message.ts';
import type { JsonObject } from '../worker/claimed-run.ts';

/** Sends an event. */
export type Emit = (type: string, data: JsonObject) => Promise<void>;

/**
 * Wraps an `Emit` so that it never throws: an event that cannot be stored is replaced by one of the type CUSTOM that
 * says so.
 */
export function withDropNotice(emit: Emit): Emit {
  return async (type, data) => {
    try {
      await emit(type, data);
    } catch (error) {
      await emit('CUSTOM', { name: 'langgraph.dropped', value: { type, reason: errorMessage(error) } });
    }
  };
}
