import type { RequestListener, ServerResponse } from 'node:http';

/** A handler whose running requests are counted. */
export interface CountedHandler {
  readonly handler: RequestListener;
  /** Resolves once no response is open. */
  finished(): Promise<void>;
}

/** Counts the requests of a handler whose responses have not ended. */
export function countRunning(handler: RequestListener): CountedHandler {
  const running = new Set<ServerResponse>();
  let onIdle: (() => void) | null = null;
  return {
    handler(request, response) {
      running.add(response);
      response.once('close', () => {
        running.delete(response);
        if (running.size === 0) onIdle?.();
      });
      handler(request, response);
    },
    async finished() {
      if (running.size === 0) return;
      await new Promise<void>((resolve) => {
        onIdle = resolve;
      });
    },
  };
}
