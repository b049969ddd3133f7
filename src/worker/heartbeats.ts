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
  /**
   * Renews leases from now on. All leases of a claim are sent in one message, since one costs as much as the rest of a
   * short run.
   */
  add(leases: readonly string[]): void;
  /** Sets the listener of a lease. */
  listen(lease: string, listener: LeaseListener): void;
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

/** Starts the heartbeat thread. */
export function startHeartbeats(options: Options): Heartbeats {
  const { url, leaseSeconds, fixedToken, tokens, availability } = options;
  const workerData: HeartbeatData = { url, leaseSeconds, token: fixedToken };
  const thread = new Thread(new URL('./heartbeat-thread.js', import.meta.url), { workerData });
  const listeners = new Map<string, LeaseListener>();
  let removed: string[] = [];
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
        return availability.available(message.began);
      case 'needsToken':
        if (message.refused !== null) tokens.refused(message.refused);
        tokens.get().then(
          (token) => post({ type: 'token', token }),
          (error: unknown) => post({ type: 'noToken', message: errorMessage(error) }),
        );
    }
  });

  function postRemoved(): void {
    if (removed.length > 0) post({ type: 'remove', leases: removed });
    removed = [];
  }

  return {
    add(leases) {
      if (leases.length > 0) post({ type: 'add', leases });
    },
    listen: (lease, listener) => void listeners.set(lease, listener),
    remove(lease) {
      listeners.delete(lease);
      // Runs that end together are removed together.
      if (removed.length === 0) setImmediate(postRemoved);
      removed.push(lease);
    },
    async stop() {
      await thread.terminate();
    },
  };
}
