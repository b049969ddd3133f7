import type { GraphQLError } from 'graphql';
import { isAsyncIterable, isPromise, type Plugin } from 'graphql-yoga';
import { apiError } from '../../errors.ts';

/**
 * Cancels the work of a request once it took too long, and once its client has gone: no resolver begins from then on.
 * What a store has begun goes on to its end, and is heard by nobody. A stream may stay open; only its beginning is
 * a request. yoga's `useExecutionCancellation` knows the client alone, and waits for a mutation's field that hangs.
 * @param limit how long a request may run, in milliseconds
 */
export function useRequestTime(limit: number): Plugin {
  return {
    onExecute({ args, executeFn, setExecuteFn }) {
      const client: AbortSignal = args.contextValue.request.signal;
      setExecuteFn((given) => within(limit, client, (signal) => executeFn(Object.assign(given, { signal }))));
    },
    onSubscribe({ args, subscribeFn, setSubscribeFn }) {
      const client: AbortSignal = args.contextValue.request.signal;
      // Without the signal: for as long as there is one, the executor keeps the answer of each event.
      setSubscribeFn((given) => within(limit, client, () => subscribeFn(given)));
    },
  };
}

/** Does work that ends in time. What is done at once needs no timer, and none could stop it. */
function within(limit: number, client: AbortSignal, work: (signal: AbortSignal) => unknown): unknown {
  if (client.aborted) throw clientGone();
  const controller = new AbortController();
  const result = work(controller.signal);
  if (!isPromise(result)) return result;
  const onLeave = (leave: () => void): (() => void) => {
    client.addEventListener('abort', leave, { once: true });
    return () => client.removeEventListener('abort', leave);
  };
  return inTime(limit, result, onLeave, (reason) => {
    controller.abort(reason);
    void result.then(close, () => undefined);
  });
}

/**
 * A result that is there in time, or the error that says that it is not.
 * @param onLeave calls back when the client goes away, until what it gives is called
 * @param stop ends the work
 */
export function inTime<T>(
  limit: number,
  result: PromiseLike<T>,
  onLeave: (leave: () => void) => () => void,
  stop: (reason: Error) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = (reason: Error): void => {
      stop(reason);
      reject(reason);
    };
    const timer = setTimeout(() => cancel(tookTooLong(limit)), limit);
    const stay = onLeave(() => cancel(clientGone()));
    void Promise.resolve(result)
      .then(resolve, reject)
      .finally(() => {
        clearTimeout(timer);
        stay();
      });
  });
}

/** Ends a stream that nobody will read. */
function close(result: unknown): void {
  if (isAsyncIterable(result)) void result[Symbol.asyncIterator]().return?.();
}

/** yoga writes no answer and no log for it. */
function clientGone(): DOMException {
  return new DOMException('The client has gone.', 'AbortError');
}

function tookTooLong(limit: number): GraphQLError {
  const message = `The request took longer than ${limit / 1_000} s: ask for less at once.`;
  return apiError('LIMIT_EXCEEDED', message, { status: 408 });
}
