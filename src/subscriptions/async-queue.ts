/** Values on their way to one consumer, which takes them in order and at its own pace. */
export interface AsyncQueue<T> extends AsyncIterableIterator<T, undefined> {
  /** Adds a value, unless the queue has ended. @param size of the value, in bytes. Default: 0. */
  push(value: T, size?: number): void;
  /** Whether values are accepted. */
  readonly isOpen: boolean;
  /** How many values wait for the consumer. */
  readonly length: number;
  /** How many bytes the waiting values have. */
  readonly bytes: number;
  /** Resolves once no more than this many bytes wait, or the queue has ended; null where that is so. */
  drained(bytes: number): Promise<void> | null;
  /** Ends the queue after the values that wait, and after `last` where it is given. */
  end(last?: T): void;
  /** Drops the values that wait, and ends the queue with this one. */
  endWith(last: T): void;
  /** Drops the values that wait, and ends the queue: the consumer's next call is rejected. */
  fail(error: Error): void;
  /**
   * Passes the values to a sink, those that wait first, in place of calls of `next`. It takes no promises.
   * @returns the function that resumes after `write` has returned false
   */
  pipe(sink: Sink<T>): () => void;
  next(): Promise<IteratorResult<T, undefined>>;
  return(): Promise<IteratorResult<T, undefined>>;
}

/** Where a queue passes its values to. It is not called any more after `return`. */
export interface Sink<T> {
  /** Takes a value. Returns false when it takes no more until it is resumed. */
  write(value: T): boolean;
  /** Called when the queue has ended, after its last value. */
  close(): void;
  /** Called when the queue has failed. */
  abort(error: Error): void;
}

/**
 * Creates a queue. Values that are pushed before the consumer first calls `next` are kept.
 * @param onClosed called once, as soon as no more values are accepted
 */
export function createAsyncQueue<T>(onClosed: () => void): AsyncQueue<T> {
  const values: { readonly value: T; readonly size: number }[] = [];
  const consumers: Consumer<T>[] = [];
  let bytes = 0;
  let isOpen = true;
  let failure: Error | null = null;
  let sink: Sink<T> | null = null;
  let isPaused = false;
  let onDrained: { readonly bytes: number; resolve(): void } | null = null;

  function checkDrained(): void {
    if (onDrained === null || (isOpen && bytes > onDrained.bytes)) return;
    onDrained.resolve();
    onDrained = null;
  }

  function add(value: T, size: number): void {
    if (sink !== null && !isPaused) {
      isPaused = !sink.write(value);
      return;
    }
    const consumer = consumers.shift();
    if (consumer !== undefined) return consumer.resolve({ value, done: false });
    values.push({ value, size });
    bytes += size;
  }

  function drop(): void {
    values.length = 0;
    bytes = 0;
    checkDrained();
  }

  function close(): void {
    isOpen = false;
    checkDrained();
    onClosed();
    for (const consumer of consumers.splice(0)) consumer.resolve(DONE);
    flush();
  }

  /** Passes what waits to the sink, and the end after it. */
  function flush(): void {
    const to = sink;
    if (to === null) return;
    while (!isPaused) {
      const next = shift();
      if (next === undefined) break;
      isPaused = !to.write(next.value);
    }
    if (sink === null || isOpen || values.length > 0) return;
    sink = null;
    if (failure === null) to.close();
    else to.abort(failure);
  }

  function shift(): { readonly value: T } | undefined {
    const next = values.shift();
    bytes -= next?.size ?? 0;
    checkDrained();
    return next;
  }

  const queue: AsyncQueue<T> = {
    push(value, size = 0) {
      if (isOpen) add(value, size);
    },
    get isOpen() {
      return isOpen;
    },
    get length() {
      return values.length;
    },
    get bytes() {
      return bytes;
    },
    drained(limit) {
      if (!isOpen || bytes <= limit) return null;
      return new Promise((resolve) => {
        onDrained = { bytes: limit, resolve };
      });
    },
    end(last) {
      if (!isOpen) return;
      if (last !== undefined) add(last, 0);
      close();
    },
    endWith(last) {
      if (isOpen) drop();
      queue.end(last);
    },
    fail(error) {
      if (!isOpen) return;
      drop();
      const consumer = consumers.shift();
      if (consumer === undefined) failure = error;
      else consumer.reject(error);
      close();
    },
    pipe(to) {
      sink = to;
      flush();
      return () => {
        isPaused = false;
        flush();
      };
    },
    // An async function would make a promise around the one that waits for a value.
    next() {
      const next = shift();
      if (next !== undefined) return Promise.resolve({ value: next.value, done: false });
      if (isOpen) {
        return new Promise((resolve, reject) => {
          consumers.push({ resolve, reject });
        });
      }
      const error = failure;
      failure = null;
      return error === null ? Promise.resolve(DONE) : Promise.reject(error);
    },
    async return() {
      sink = null;
      drop();
      failure = null;
      if (isOpen) close();
      return DONE;
    },
    [Symbol.asyncIterator]: () => queue,
  };
  return queue;
}

interface Consumer<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: Error): void;
}

const DONE = { value: undefined, done: true } as const;
