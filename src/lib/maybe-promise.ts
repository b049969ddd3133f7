/** A value or a promise of it. The in-memory stores are mostly synchronous, others are not. */
export type MaybePromise<T> = T | Promise<T>;

/** Calls `next` with a value: synchronously, or after the promise has resolved. */
export function andThen<T, U>(value: MaybePromise<T>, next: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}
