import type { GraphQLError } from 'graphql';
import { apiError } from '../errors.ts';

/** Thrown where a client has disconnected before its response was ready. */
export class ClientGone extends Error {}

/** Limits of `withTimeout`. */
export interface TimeoutOptions {
  /** In milliseconds. */
  readonly timeout: number;
  /** Registers a function that is called when the client goes away; returns the function that unregisters it. */
  readonly onDisconnect: (listener: () => void) => () => void;
  /** Called with the reason when the work is not waited for any more. */
  readonly onStop: (reason: Error) => void;
}

/**
 * Waits for work, until it takes too long or its client has gone. What a store has begun goes on to its end, and its
 * result is dropped.
 * @throws GraphQLError LIMIT_EXCEEDED after the timeout
 * @throws ClientGone
 */
export function withTimeout<T>(
  work: Promise<T>,
  { timeout, onDisconnect, onStop }: TimeoutOptions,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (reason: Error): void => {
      onStop(reason);
      reject(reason);
    };
    const timer = setTimeout(() => stop(tookTooLong(timeout)), timeout);
    const unregister = onDisconnect(() => stop(new ClientGone()));
    void work.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      unregister();
    });
  });
}

function tookTooLong(timeout: number): GraphQLError {
  const message = `The request took longer than ${timeout / 1_000} s: ask for less at once.`;
  return apiError('LIMIT_EXCEEDED', message, { status: 408 });
}
