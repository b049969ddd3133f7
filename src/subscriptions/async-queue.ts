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
  return new Queue(onClosed);
}

/** A class, and no closures: thousands of subscriptions may be open. */
class Queue<T> implements AsyncQueue<T> {
  readonly #onClosed: () => void;
  /** The values that wait. A list that has become empty is dropped, for its room would stay. */
  #values: Waiting<T>[] = NONE;
  #consumers: Consumer<T>[] = NONE;
  #failure: Error | null = null;
  #sink: Sink<T> | null = null;
  #isPaused = false;
  #onDrained: { readonly bytes: number; resolve(): void } | null = null;
  bytes = 0;
  isOpen = true;

  constructor(onClosed: () => void) {
    this.#onClosed = onClosed;
  }

  get length(): number {
    return this.#values.length;
  }

  push(value: T, size = 0): void {
    if (this.isOpen) this.#add(value, size);
  }

  drained(limit: number): Promise<void> | null {
    if (!this.isOpen || this.bytes <= limit) return null;
    return new Promise((resolve) => {
      this.#onDrained = { bytes: limit, resolve };
    });
  }

  end(last?: T): void {
    if (!this.isOpen) return;
    if (last !== undefined) this.#add(last, 0);
    this.#close();
  }

  endWith(last: T): void {
    if (this.isOpen) this.#drop();
    this.end(last);
  }

  fail(error: Error): void {
    if (!this.isOpen) return;
    this.#drop();
    const consumer = this.#consumers.shift();
    if (consumer === undefined) this.#failure = error;
    else consumer.reject(error);
    this.#close();
  }

  pipe(to: Sink<T>): () => void {
    this.#sink = to;
    this.#flush();
    return () => {
      this.#isPaused = false;
      this.#flush();
    };
  }

  // An async function would make a promise around the one that waits for a value.
  next(): Promise<IteratorResult<T, undefined>> {
    const next = this.#shift();
    if (next !== undefined) return Promise.resolve({ value: next.value, done: false });
    if (this.isOpen) {
      return new Promise((resolve, reject) => {
        this.#consumers = [...this.#consumers, { resolve, reject }];
      });
    }
    const error = this.#failure;
    this.#failure = null;
    return error === null ? Promise.resolve(DONE) : Promise.reject(error);
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#sink = null;
    this.#drop();
    this.#failure = null;
    if (this.isOpen) this.#close();
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #checkDrained(): void {
    const waiting = this.#onDrained;
    if (waiting === null || (this.isOpen && this.bytes > waiting.bytes)) return;
    waiting.resolve();
    this.#onDrained = null;
  }

  #add(value: T, size: number): void {
    if (this.#sink !== null && !this.#isPaused) {
      this.#isPaused = !this.#sink.write(value);
      return;
    }
    const consumer = this.#consumers.shift();
    if (consumer !== undefined) return consumer.resolve({ value, done: false });
    if (this.#values.length === 0) this.#values = [];
    this.#values.push({ value, size });
    this.bytes += size;
  }

  #drop(): void {
    this.#values = NONE;
    this.bytes = 0;
    this.#checkDrained();
  }

  #close(): void {
    this.isOpen = false;
    this.#checkDrained();
    this.#onClosed();
    for (const consumer of this.#consumers.splice(0)) consumer.resolve(DONE);
    this.#flush();
  }

  /** Passes what waits to the sink, and the end after it. */
  #flush(): void {
    const to = this.#sink;
    if (to === null) return;
    while (!this.#isPaused) {
      const next = this.#shift();
      if (next === undefined) break;
      this.#isPaused = !to.write(next.value);
    }
    if (this.#sink === null || this.isOpen || this.#values.length > 0) return;
    this.#sink = null;
    if (this.#failure === null) to.close();
    else to.abort(this.#failure);
  }

  #shift(): Waiting<T> | undefined {
    const next = this.#values.shift();
    this.bytes -= next?.size ?? 0;
    if (this.#values.length === 0) this.#values = NONE;
    this.#checkDrained();
    return next;
  }
}

interface Waiting<T> {
  readonly value: T;
  readonly size: number;
}

interface Consumer<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: Error): void;
}

const DONE = { value: undefined, done: true } as const;
/** Without room for values. */
const NONE: never[] = [];
