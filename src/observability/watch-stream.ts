/** Who is told what happens in a stream. */
export interface StreamWatcher<T> {
  event(event: T): void;
  /** @param complete false when its reader went away, or something broke */
  end(complete: boolean): void;
}

/** The same stream, with somebody looking on. `end` may be told more than once. */
export function watchStream<T>(
  stream: AsyncIterable<T>,
  watcher: StreamWatcher<T>,
): AsyncIterableIterator<T, undefined> {
  const events = stream[Symbol.asyncIterator]();
  const watched: AsyncIterableIterator<T, undefined> = {
    async next() {
      try {
        const { done, value } = await events.next();
        if (done === true) {
          watcher.end(true);
          return DONE;
        }
        watcher.event(value);
        return { done: false, value };
      } catch (error) {
        watcher.end(false);
        throw error;
      }
    },
    async return() {
      watcher.end(false);
      await events.return?.();
      return DONE;
    },
    [Symbol.asyncIterator]: () => watched,
  };
  return watched;
}

const DONE = { done: true, value: undefined } as const;
