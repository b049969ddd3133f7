import type { Owner } from '../../owner.ts';
import type { Transaction } from './pool.ts';
import type { Reader } from './session.ts';

/** Answers many calls by one statement: a result for each item, of which none comes twice, in their order. */
export type Batch<Item, T> = (tx: Transaction, items: readonly Item[]) => Promise<readonly T[]>;

/** Items of one kind that wait for each other. */
interface Waiting<Item, T> {
  readonly results: Promise<readonly T[]>;
  /** The result of each item that was asked for, in the order of `results`. */
  readonly asked: Map<Item, Promise<T>>;
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
      const asked = new Map<Item, Promise<T>>();
      waiting = { results: this.#answer(key, owner, asked, batch), asked };
      this.#waiting.set(key, waiting);
    }
    const { results, asked } = waiting;
    const known = asked.get(item);
    if (known !== undefined) return known;
    const place = asked.size;
    const result = results.then((all) => resultAt(all, place));
    asked.set(item, result);
    return result;
  }

  async #answer(
    key: string,
    owner: Owner,
    asked: ReadonlyMap<Item, unknown>,
    batch: Batch<Item, T>,
  ): Promise<readonly T[]> {
    await promisesDone();
    this.#waiting.delete(key);
    return this.#reader.read(owner, (tx) => batch(tx, [...asked.keys()]));
  }
}

function resultAt<T>(results: readonly T[], place: number): T {
  const result = results[place];
  if (result === undefined) throw new TypeError('A batch left out one of its items.');
  return result;
}

/** After all promises that can go on now, and those that they bring about: what they ask for can be asked together. */
function promisesDone(): Promise<void> {
  return new Promise((resolve) => {
    void Promise.resolve().then(() => process.nextTick(resolve));
  });
}
