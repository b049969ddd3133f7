/** How many batches of one key run at a time. One that waits for a lock does not hold up all others. */
const CONCURRENCY = 2;
/** The most calls of a batch. */
const MAX_CALLS = 50;
/** The most bytes of a batch of several calls. */
const MAX_BYTES = 1_048_576;

/** Runs a batch of calls. Rejects where the database cannot do it now: calls that wait fail too, without an attempt. */
export type RunBatch<Call> = (calls: readonly Call[]) => Promise<void>;

interface Waiting<Call> {
  readonly call: Call;
  readonly bytes: number;
  resolve(): void;
  reject(error: unknown): void;
}

/** The calls of one key. */
interface Queue<Call> {
  /** First in, first out. */
  readonly waiting: Waiting<Call>[];
  running: number;
}

/**
 * Batches the calls of one key that arrive while others of it run, so that a busy key has few transactions. A call that
 * arrives while none runs does not wait.
 */
export class CallBatches<Call> {
  readonly #queues = new Map<string, Queue<Call>>();

  /**
   * Resolves when the batch of the call is done.
   * @param bytes how large the call is, roughly
   * @param run the same for all calls of a key
   */
  add(key: string, call: Call, bytes: number, run: RunBatch<Call>): Promise<void> {
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      queue = { waiting: [], running: 0 };
      this.#queues.set(key, queue);
    }
    const { waiting } = queue;
    const done = new Promise<void>((resolve, reject) => {
      waiting.push({ call, bytes, resolve, reject });
    });
    // The calls of one request are made before it: they are put together.
    if (waiting.length === 1) process.nextTick(() => this.#start(key, run));
    return done;
  }

  #start(key: string, run: RunBatch<Call>): void {
    const queue = this.#queues.get(key);
    if (queue === undefined || queue.running >= CONCURRENCY) return;
    const batch = queue.waiting.splice(0, sizeOfBatch(queue.waiting));
    if (batch.length === 0) {
      if (queue.running === 0) this.#queues.delete(key);
      return;
    }
    void this.#run(key, queue, batch, run);
    if (queue.waiting.length > 0) this.#start(key, run);
  }

  async #run(
    key: string,
    queue: Queue<Call>,
    batch: readonly Waiting<Call>[],
    run: RunBatch<Call>,
  ): Promise<void> {
    queue.running++;
    try {
      await run(batch.map(({ call }) => call));
      for (const { resolve } of batch) resolve();
    } catch (error) {
      for (const { reject } of [...batch, ...queue.waiting.splice(0)]) reject(error);
    } finally {
      queue.running--;
      this.#start(key, run);
    }
  }
}

/** How many of the waiting calls make the next batch. */
function sizeOfBatch(waiting: readonly Waiting<unknown>[]): number {
  let bytes = 0;
  const end = waiting.slice(0, MAX_CALLS).findIndex((one, index) => {
    bytes += one.bytes;
    return index > 0 && bytes > MAX_BYTES;
  });
  return end === -1 ? Math.min(waiting.length, MAX_CALLS) : end;
}
