import type { Owner } from '../../owner.ts';
import { storeError, unavailable } from './errors.ts';
import type { Begin, Pool, Transaction } from './pool.ts';

/** Beyond a statement's own limit: what else a call may take, in milliseconds. */
const PATIENCE = 250;
/** A transaction that waits for us so long, in milliseconds, has lost us: PostgreSQL ends it, with its locks. */
const IDLE_IN_TRANSACTION = '10000';

/** The database as the stores use it. */
export interface Database {
  readonly pool: Pool;
  /** In milliseconds. */
  readonly statementTimeout: number;
}

/**
 * Names the owner of a transaction, which sees and writes nothing before. All that is set here ends with it, so that
 * connections can be shared. Bitmap scans are for searches alone: see `search.ts`. Each execution is planned by itself:
 * a plan for any owner takes all for small, and may read the whole of a large one's records to look up a few.
 */
async function settle(tx: Transaction, owner: Owner, statementTimeout: number): Promise<void> {
  await tx.run(tx.sql`SELECT set_config('agent_graphql.owner', ${owner}, true),
    set_config('statement_timeout', ${String(statementTimeout)}, true),
    set_config('idle_in_transaction_session_timeout', ${IDLE_IN_TRANSACTION}, true),
    set_config('enable_bitmapscan', 'off', true), set_config('jit', 'off', true),
    set_config('plan_cache_mode', 'force_custom_plan', true)`);
}

/** A transaction that changes things of an owner: all of it happens, or nothing. */
export async function mutate<T>(
  database: Database,
  owner: Owner,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  return inTime(database, (signal) => transaction(database, 'BEGIN', owner, signal, work));
}

async function transaction<T>(
  { pool, statementTimeout }: Database,
  begin: Begin,
  owner: Owner,
  signal: AbortSignal,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  return pool.transaction(begin, signal, async (tx) => {
    const [, result] = await Promise.all([settle(tx, owner, statementTimeout), work(tx)]);
    return result;
  });
}

/** Reads of one request, which see the database as it was at one moment. A request that goes on later looks again. */
export class Reader {
  readonly #database: Database;
  readonly #snapshots = new Map<Owner, Snapshot>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** Reads in the owner's snapshot. What it sends before it first waits is sent together with what others send. */
  async read<T>(owner: Owner, work: (tx: Transaction) => Promise<T>): Promise<T> {
    const snapshot = this.#snapshot(owner);
    return within(
      this.#database,
      () => snapshot.read(work),
      (error) => snapshot.abort(error),
    );
  }

  /** Lets go of all snapshots, so that what is read next is what there is then. */
  forget(): void {
    this.#snapshots.clear();
  }

  #snapshot(owner: Owner): Snapshot {
    const known = this.#snapshots.get(owner);
    if (known !== undefined) return known;
    const snapshot = new Snapshot(this.#database, owner, () => {
      if (this.#snapshots.get(owner) === snapshot) this.#snapshots.delete(owner);
    });
    this.#snapshots.set(owner, snapshot);
    return snapshot;
  }
}

/** A transaction that only reads, open for as long as something is read from it. */
class Snapshot {
  readonly #opened: Promise<Transaction>;
  readonly #leave: () => void;
  readonly #abort = new AbortController();
  #finish: () => void = () => {};
  #reading = 0;

  /** @param leave called when nobody else is to read from it */
  constructor(database: Database, owner: Owner, leave: () => void) {
    this.#leave = leave;
    const finished = new Promise<void>((resolve) => {
      this.#finish = resolve;
    });
    this.#opened = new Promise((resolve, reject) => {
      const begin = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY';
      transaction(database, begin, owner, this.#abort.signal, (tx) => {
        resolve(tx);
        return finished;
      }).catch((error: unknown) => {
        leave();
        reject(error);
      });
    });
    // Whoever reads waits for it, if anybody does.
    this.#opened.catch(() => {});
  }

  async read<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    this.#reading++;
    try {
      return await work(await this.#opened);
    } catch (error) {
      this.#leave();
      throw error;
    } finally {
      this.#reading--;
      // What the answer makes its reader ask for is asked for by then.
      setImmediate(() => this.#endWhenIdle());
    }
  }

  /** Ends it for all who read from it: one of them waits no more. */
  abort(reason: unknown): void {
    this.#abort.abort(reason);
  }

  #endWhenIdle(): void {
    if (this.#reading > 0) return;
    this.#leave();
    this.#finish();
  }
}

/** A call that ends in time, or as `StoreUnavailable`. @param work is given a signal that says when it is late */
export function inTime<T>(
  database: Pick<Database, 'statementTimeout'>,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  return within(
    database,
    () => work(late.signal),
    (error) => late.abort(error),
  );
}

/** The same without a signal, which takes longer to make than all else of it. @param onLate told that it is late */
async function within<T>(
  { statementTimeout }: Pick<Database, 'statementTimeout'>,
  work: () => Promise<T>,
  onLate: (error: Error) => void,
): Promise<T> {
  const patience = statementTimeout + PATIENCE;
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = unavailable(new Error(`There was no answer within ${patience} ms.`));
      reject(error);
      onLate(error);
    }, patience);
  });
  try {
    return await Promise.race([work(), deadline]);
  } catch (error) {
    throw storeError(error);
  } finally {
    clearTimeout(timer);
  }
}
