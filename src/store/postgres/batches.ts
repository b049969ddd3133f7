import type { Owner } from '../owner.ts';
import type { Transaction } from './pool.ts';
import type { Reader } from './session.ts';

/** Answers many calls by one statement: a result for each item, in their order. */
export type Batch<Item, T> = (tx: Transaction, items: readonly Item[]) => Promise<readonly T[]>;

/** Calls of one kind that wait for each other. */
interface Waiting<Item, T> {
  readonly items: Item[];
  readonly calls: Call<T>[];
}

interface Call<T> {
  readonly resolve: (result: T) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Brings calls together that are made at the same time, such as the lists of runs of a page of threads: one statement
 * serves all that are made before the promises at hand are through.
 */
export class Batches<Item, T> {
  readonly #reader: Reader;
  readonly #waiting = new Map<string, Waiting<Item, T>>();

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  /** @param kind calls of the same kind and owner are answered together, by the batch of the first */
  load(owner: Owner, kind: string, item: Item, batch: Batch<Item, T>): Promise<T> {
    const key = `${owner}\0${kind}`;
    let waiting = this.#waiting.get(key);
    if (waiting === undefined) {
      this.#waiting.set(key, (waiting = { items: [], calls: [] }));
      void this.#answer(key, owner, waiting, batch);
    }
    const { items, calls } = waiting;
    items.push(item);
    return new Promise((resolve, reject) => void calls.push({ resolve, reject }));
  }

  async #answer(
    key: string,
    owner: Owner,
    { items, calls }: Waiting<Item, T>,
    batch: Batch<Item, T>,
  ): Promise<void> {
    await promisesDone();
    this.#waiting.delete(key);
    try {
      const results = await this.#reader.read(owner, (tx) => batch(tx, items));
      for (const [index, { resolve }] of calls.entries()) {
        const result = results[index];
        if (result === undefined) throw new TypeError('A batch left out one of its items.');
        resolve(result);
      }
    } catch (error) {
      for (const { reject } of calls) reject(error);
    }
  }
}

/** After all promises that can go on now, and those that they bring about: what they ask for can be asked together. */
function promisesDone(): Promise<void> {
  return new Promise((resolve) => {
    void Promise.resolve().then(() => process.nextTick(resolve));
  });
}
