/** Events on their way to one reader, who takes them at its own pace, in order, and as many as there are. */
export interface EventQueue<T> extends AsyncIterableIterator<T, undefined> {
  push(event: T): void;
  /** How many events wait for the reader. */
  readonly waiting: number;
  /** Ends the stream once what is in it has been read: quietly, or with an error as its last word. */
  end(error?: Error): void;
  /** Ends the stream at once, without what is in it, and with an error as its last word. */
  cutOff(error: Error): void;
  return(): Promise<IteratorResult<T, undefined>>;
}

/**
 * A queue that is open from now on: what is pushed before the reader first looks is not lost.
 * @param onClosed called once, as soon as nothing more can come in
 */
export function createEventQueue<T>(onClosed: () => void): EventQueue<T> {
  const events: T[] = [];
  const readers: Reader<T>[] = [];
  let open = true;
  let lastWord: Error | undefined;

  const queue: EventQueue<T> = {
    push(event) {
      if (!open) return;
      const reader = readers.shift();
      if (reader === undefined) events.push(event);
      else reader.resolve({ value: event, done: false });
    },
    get waiting() {
      return events.length;
    },
    cutOff(error) {
      events.length = 0;
      queue.end(error);
    },
    end(error) {
      if (!open) return;
      open = false;
      onClosed();
      const reader = readers.shift();
      if (reader === undefined) lastWord = error;
      else if (error === undefined) reader.resolve(DONE);
      else reader.reject(error);
      for (const other of readers.splice(0)) other.resolve(DONE);
    },
    async next() {
      const event = events.shift();
      if (event !== undefined) return { value: event, done: false };
      if (open) {
        return new Promise((resolve, reject) => {
          readers.push({ resolve, reject });
        });
      }
      const error = lastWord;
      lastWord = undefined;
      if (error !== undefined) throw error;
      return DONE;
    },
    async return() {
      events.length = 0;
      queue.end();
      return DONE;
    },
    [Symbol.asyncIterator]: () => queue,
  };
  return queue;
}

interface Reader<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: Error): void;
}

const DONE = { value: undefined, done: true } as const;
