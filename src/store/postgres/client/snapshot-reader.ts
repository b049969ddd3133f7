import type { Owner } from '../../owner.ts';
import { ownerTransaction, type Database } from './database.ts';
import type { Transaction } from './pool.ts';
import { withTimer } from './timeout.ts';

/**
 * The reads of one request, which see the database as it was at one moment: they share one REPEATABLE READ transaction.
 * It ends as soon as nothing is read in it; a later read begins another one.
 */
export class SnapshotReader {
  readonly #database: Database;
  readonly #snapshots = new Map<Owner, Snapshot>();

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Reads in the owner's snapshot. Statements that are sent before the first `await` are pipelined with those of other
   * reads.
   * @throws StoreUnavailable when the database cannot do it now
   */
  async read<T>(owner: Owner, work: (tx: Transaction) => Promise<T>): Promise<T> {
    const snapshot = this.#snapshot(owner);
    return withTimer(
      this.#database,
      () => snapshot.read(work),
      (error) => snapshot.abort(error),
    );
  }

  /** Makes later reads begin a new snapshot: after a mutation they must see what it stored. */
  reset(): void {
    this.#snapshots.clear();
  }

  #snapshot(owner: Owner): Snapshot {
    const current = this.#snapshots.get(owner);
    if (current !== undefined) return current;
    const snapshot = new Snapshot(this.#database, owner, () => {
      if (this.#snapshots.get(owner) === snapshot) this.#snapshots.delete(owner);
    });
    this.#snapshots.set(owner, snapshot);
    return snapshot;
  }
}

/** A read-only transaction, open for as long as something is read in it. */
class Snapshot {
  readonly #opened: Promise<Transaction>;
  readonly #onClose: () => void;
  readonly #abort = new AbortController();
  #finish: () => void = () => {};
  #reads = 0;

  /** @param onClose called when no further read may begin in it */
  constructor(database: Database, owner: Owner, onClose: () => void) {
    this.#onClose = onClose;
    const finished = new Promise<void>((resolve) => {
      this.#finish = resolve;
    });
    this.#opened = new Promise((resolve, reject) => {
      const begin = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY';
      ownerTransaction(database, begin, owner, this.#abort.signal, (tx) => {
        resolve(tx);
        return finished;
      }).catch((error: unknown) => {
        onClose();
        reject(error);
      });
    });
    // Each read awaits it, and reports its error; there may be no read any more.
    this.#opened.catch(() => {});
  }

  async read<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    this.#reads++;
    try {
      return await work(await this.#opened);
    } catch (error) {
      this.#onClose();
      throw error;
    } finally {
      this.#reads--;
      // The resolvers that wait for this result start their own reads before that.
      setImmediate(() => this.#endWhenIdle());
    }
  }

  /** Ends the transaction for all of its reads: one of them has timed out. */
  abort(reason: unknown): void {
    this.#abort.abort(reason);
  }

  #endWhenIdle(): void {
    if (this.#reads > 0) return;
    this.#onClose();
    this.#finish();
  }
}
