/** A value that is there now, or a promise of it. The in-memory stores answer at once; others may not. */
export type MaybePromise<T> = T | Promise<T>;

/** Goes on with a value: at once when it is there, else when its promise is kept. */
export function andThen<T, U>(value: MaybePromise<T>, next: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}
