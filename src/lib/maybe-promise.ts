/** A value or a promise of it. The in-memory stores are mostly synchronous, others are not. */
export type MaybePromise<T> = T | Promise<T>;

/** Calls `next` with a value: synchronously, or after the promise has resolved. */
export function andThen<T, U>(value: MaybePromise<T>, next: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** All values: an array, or a promise of it where one of them is a promise. */
export function allOf<T>(values: readonly MaybePromise<T>[]): MaybePromise<readonly T[]> {
  const done: T[] = [];
  for (const value of values) {
    if (value instanceof Promise) return Promise.all(values);
    done.push(value);
  }
  return done;
}
