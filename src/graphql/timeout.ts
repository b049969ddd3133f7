import type { GraphQLError } from 'graphql';
import { apiError } from '../errors.ts';
import { Deadlines, type Expiring } from '../lib/deadlines.ts';
import { flatten } from '../lib/flatten.ts';
import type { Caller } from './caller.ts';

/** Thrown where a client has disconnected before its response was ready. */
export class ClientGone extends Error {}

/** Work that is waited for. Each of these may throw. */
export interface Work<T, U> {
  readonly caller: Pick<Caller, 'onDisconnect' | 'record'>;
  /** Returns what to resolve to, once the work is done. */
  finish(value: T): U;
  /** Likewise for its error, or the reason why it is not waited for any more. */
  fail(error: unknown): U;
  /** Called with that reason first. */
  stop(reason: Error): void;
}

/**
 * Waits for work, until it takes too long (LIMIT_EXCEEDED) or its client has gone ({@link ClientGone}). What a store has
 * begun is completed, and its result is dropped.
 * @param timeout in milliseconds
 */
export function withTimeout<T, U>(promise: Promise<T>, work: Work<T, U>, timeout: number): Promise<U> {
  flatten(work.caller.record.requestId);
  return new Promise((resolve, reject) => {
    const timed = new TimedWork(work, timeout, resolve, reject);
    promise.then(
      (value) => timed.done(value),
      (error) => timed.fail(error),
    );
  });
}

const deadlines = new Deadlines();

/** A class, and few closures: thousands of requests may wait. */
class TimedWork<T, U> implements Expiring {
  readonly #work: Work<T, U>;
  readonly #timeout: number;
  readonly #resolve: (result: U) => void;
  readonly #reject: (error: unknown) => void;
  readonly expiresAt: number;
  #isOver = false;

  constructor(
    work: Work<T, U>,
    timeout: number,
    resolve: (result: U) => void,
    reject: (error: unknown) => void,
  ) {
    this.#work = work;
    this.#timeout = timeout;
    this.#resolve = resolve;
    this.#reject = reject;
    this.expiresAt = performance.now() + timeout;
    deadlines.add(this);
    work.caller.onDisconnect(() => this.#stop(new ClientGone()));
  }

  done(value: T): void {
    if (!this.#end()) return;
    try {
      this.#resolve(this.#work.finish(value));
    } catch (error) {
      this.#settle(error);
    }
  }

  fail(error: unknown): void {
    if (this.#end()) this.#settle(error);
  }

  expire(): void {
    this.#stop(tookTooLong(this.#timeout));
  }

  #stop(reason: Error): void {
    if (!this.#end()) return;
    this.#work.stop(reason);
    this.#settle(reason);
  }

  #settle(error: unknown): void {
    try {
      this.#resolve(this.#work.fail(error));
    } catch (thrown) {
      this.#reject(thrown);
    }
  }

  /** Returns false where it has ended before. */
  #end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    deadlines.delete(this);
    this.#work.caller.onDisconnect(null);
    return true;
  }
}

function tookTooLong(timeout: number): GraphQLError {
  const message = `The request took longer than ${timeout / 1_000} s: ask for less at once.`;
  return apiError('LIMIT_EXCEEDED', message, { status: 408 });
}
