import { Worker as Thread } from 'node:worker_threads';
import { errorMessage } from '../lib/error-message.ts';
import type { Availability } from './availability.ts';
import type { FromHeartbeats, HeartbeatData, ToHeartbeats } from './heartbeat-messages.ts';
import type { TokenSource } from './token-source.ts';

/** How a held lease ends before its run does. */
export interface LeaseListener {
  cancelled(): void;
  lost(): void;
}

/** Renews leases in a thread of its own, so that a handler that blocks the event loop keeps its lease. */
export interface Heartbeats {
  add(lease: string, listener: LeaseListener): void;
  remove(lease: string): void;
  stop(): Promise<void>;
}

interface Options {
  readonly url: string;
  readonly leaseSeconds: number;
  /** A token that never changes; null where {@link TokenSource} gets them. */
  readonly fixedToken: string | null;
  readonly tokens: TokenSource;
  readonly availability: Availability;
}

/** Starts the thread of heartbeats. */
export function startHeartbeats(options: Options): Heartbeats {
  const { url, leaseSeconds, fixedToken, tokens, availability } = options;
  const workerData: HeartbeatData = { url, leaseSeconds, token: fixedToken };
  const thread = new Thread(new URL('./heartbeat-thread.js', import.meta.url), { workerData });
  const listeners = new Map<string, LeaseListener>();
  const post = (message: ToHeartbeats): void => thread.postMessage(message);

  thread.unref();
  // Without it leases would end while their runs are executed: the process is to end, and its runs go to others.
  thread.on('error', (error) => {
    throw error;
  });
  thread.on('message', (message: FromHeartbeats) => {
    switch (message.type) {
      case 'cancelled':
        return listeners.get(message.lease)?.cancelled();
      case 'lost':
        return listeners.get(message.lease)?.lost();
      case 'unavailable':
        return availability.unavailable(message.message);
      case 'available':
        return availability.available();
      case 'needsToken':
        if (message.refused !== null) tokens.refused(message.refused);
        tokens.get().then(
          (token) => post({ type: 'token', token }),
          (error: unknown) => post({ type: 'noToken', message: errorMessage(error) }),
        );
    }
  });

  return {
    add(lease, listener) {
      listeners.set(lease, listener);
      post({ type: 'add', lease });
    },
    remove(lease) {
      listeners.delete(lease);
      post({ type: 'remove', lease });
    },
    async stop() {
      await thread.terminate();
    },
  };
}
