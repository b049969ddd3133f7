import type { Owner } from '../../owner.ts';
import type { Transaction } from './pool.ts';
import type { SnapshotReader } from './snapshot-reader.ts';

/** Loads the results of many distinct keys by one statement, in the order of the keys. */
export type LoadMany<Key, T> = (tx: Transaction, keys: readonly Key[]) => Promise<readonly T[]>;

/** Keys that are going to be loaded together. */
interface Batch<Key, T> {
  readonly results: Promise<readonly T[]>;
  /** The result of each key, in the order of `results`. */
  readonly byKey: Map<Key, Promise<T>>;
}

/**
 * Loads by one statement what is asked for at the same time, such as the runs of each thread of a page: all calls that
 * are made before the current promise jobs are done.
 * @see https://github.com/graphql/dataloader
 */
export class BatchLoader<Key, T> {
  readonly #reader: SnapshotReader;
  readonly #batches = new Map<string, Batch<Key, T>>();

  constructor(reader: SnapshotReader) {
    this.#reader = reader;
  }

  /** @param kind calls of the same owner and kind are loaded together, by the `loadMany` of the first of them */
  load(owner: Owner, kind: string, key: Key, loadMany: LoadMany<Key, T>): Promise<T> {
    const batchKey = `${owner}\0${kind}`;
    let batch = this.#batches.get(batchKey);
    if (batch === undefined) {
      const byKey = new Map<Key, Promise<T>>();
      batch = { results: this.#loadBatch(batchKey, owner, byKey, loadMany), byKey };
      this.#batches.set(batchKey, batch);
    }
    const { results, byKey } = batch;
    const known = byKey.get(key);
    if (known !== undefined) return known;
    const index = byKey.size;
    const result = results.then((all) => resultAt(all, index));
    byKey.set(key, result);
    return result;
  }

  async #loadBatch(
    batchKey: string,
    owner: Owner,
    byKey: ReadonlyMap<Key, unknown>,
    loadMany: LoadMany<Key, T>,
  ): Promise<readonly T[]> {
    await afterPromiseJobs();
    this.#batches.delete(batchKey);
    return this.#reader.read(owner, (tx) => loadMany(tx, [...byKey.keys()]));
  }
}

function resultAt<T>(results: readonly T[], index: number): T {
  const result = results[index];
  if (result === undefined) throw new TypeError('A batch has no result for one of its keys.');
  return result;
}

/** Resolves after all promise jobs that are queued now, and those that they queue in turn. */
function afterPromiseJobs(): Promise<void> {
  return new Promise((resolve) => {
    void Promise.resolve().then(() => process.nextTick(resolve));
  });
}
