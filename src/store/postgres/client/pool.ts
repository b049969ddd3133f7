import { setMaxListeners } from 'node:events';
import type { PendingQuery, Row } from 'postgres';
import type { Sql } from './connect.ts';
import { ConnectionLost } from './connection-lost.ts';
import type { Connection } from './connection.ts';
import type { DatabaseConfig } from './database-config.ts';
import { openConnection } from './open-connection.ts';
import { readRows } from './rows.ts';

/** A transaction while it is open. */
export interface Transaction {
  /** Writes statements and fragments of them. */
  readonly sql: Sql;
  /** Sends a statement at once: statements are pipelined, and run in the order in which they were sent. */
  run<T extends readonly (Row | undefined)[]>(statement: PendingQuery<T>): Promise<T>;
  /**
   * Commits right after the statements that were sent, without waiting for their results, which saves a round trip.
   * Where one of them fails, PostgreSQL rolls back. None may be sent later.
   */
  commit(): void;
}

/** Connections, each used by one transaction at a time. */
export interface Pool {
  /**
   * Runs a transaction, which is committed when its work resolves, and rolled back when that rejects. When the
   * connection is lost, or the signal is aborted, the connection is closed, and PostgreSQL rolls back. Statements that
   * are sent after a failure fail with the same error.
   */
  transaction<T>(
    begin: BeginStatement,
    signal: AbortSignal,
    work: (tx: Transaction) => Promise<T>,
  ): Promise<T>;
  /** Closes the idle connections: a connection whose other side is unreachable looks idle until it is used. */
  closeIdle(): void;
  /** Closes all connections, whatever is running on them. */
  close(): Promise<void>;
}

/** The statement that begins a transaction. */
export type BeginStatement = 'BEGIN' | 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY';

/** A transaction that waits for a connection. */
interface Waiter {
  resolve(connection: Connection): void;
  reject(error: unknown): void;
}

/** A pool that opens connections when they are needed, `poolSize` at most. */
export function createPool(config: DatabaseConfig): Pool {
  const idle: Connection[] = [];
  const open = new Set<Connection>();
  /** First in, first out. */
  const waiting = new Set<Waiter>();
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  let opening = 0;

  function acquire(signal: AbortSignal): Promise<Connection> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      closing.signal.throwIfAborted();
      const free = idle.pop();
      if (free !== undefined) return resolve(free);
      const abort = (): void => {
        waiting.delete(waiter);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        resolve(connection) {
          signal.removeEventListener('abort', abort);
          resolve(connection);
        },
        reject(error) {
          signal.removeEventListener('abort', abort);
          reject(error);
        },
      };
      signal.addEventListener('abort', abort, { once: true });
      waiting.add(waiter);
      openForWaiters();
    });
  }

  function nextWaiter(): Waiter | undefined {
    const [next] = waiting;
    if (next !== undefined) waiting.delete(next);
    return next;
  }

  /** Opens as many connections as transactions wait for, within the size of the pool. */
  function openForWaiters(): void {
    while (waiting.size > opening && open.size + opening < config.poolSize) void openOne();
  }

  /** Opens a connection for the transaction that then has waited longest; a failure is its error. */
  async function openOne(): Promise<void> {
    opening++;
    try {
      const connection = await openConnection(config, closing.signal);
      opening--;
      open.add(connection);
      release(connection);
    } catch (error) {
      opening--;
      nextWaiter()?.reject(error);
      openForWaiters();
    }
  }

  function release(connection: Connection): void {
    if (connection.isLost || closing.signal.aborted) return discard(connection);
    const next = nextWaiter();
    if (next !== undefined) return next.resolve(connection);
    idle.push(connection);
    connection.onLost = () => {
      idle.splice(idle.indexOf(connection), 1);
      discard(connection);
    };
  }

  function discard(connection: Connection): void {
    connection.onLost = noop;
    open.delete(connection);
    connection.end();
    openForWaiters();
  }

  function closeIdle(): void {
    for (const connection of idle.splice(0)) discard(connection);
  }

  return {
    closeIdle,
    async transaction(begin, signal, work) {
      const connection = await acquire(signal);
      let isOver = false;
      let failure: unknown;
      let committed: Promise<unknown> | undefined;
      const assertOpen = (): void => {
        if (connection.isLost) throw new ConnectionLost('the connection was closed');
        signal.throwIfAborted();
      };
      const send = async (statement: { execute(): PromiseLike<unknown> }): Promise<unknown> => {
        assertOpen();
        return statement.execute();
      };
      const tx: Transaction = {
        sql: connection.sql,
        async run(statement) {
          // Another transaction may use the connection by now.
          if (isOver) throw failure ?? new Error('The transaction is over.');
          assertOpen();
          return readRows(statement);
        },
        commit() {
          if (isOver) return;
          isOver = true;
          committed = send(command(connection, 'COMMIT'));
          // It may reject before it is awaited.
          committed.catch(noop);
        },
      };
      let abort = noop;
      const ended = new Promise<never>((_, reject) => {
        connection.onLost = reject;
        abort = () => reject(signal.reason);
        signal.addEventListener('abort', abort, { once: true });
        if (signal.aborted) abort();
      });
      // It may reject while nothing awaits it.
      ended.catch(() => {});
      try {
        const begun = send(command(connection, begin));
        const [result] = await Promise.race([Promise.all([work(tx), begun]), ended]);
        tx.commit();
        await Promise.race([committed, ended]);
        release(connection);
        return result;
      } catch (error) {
        isOver = true;
        failure = error;
        if (connection.isLost || signal.aborted) {
          if (!connection.isLost) closeIdle();
          discard(connection);
        } else {
          const rolledBack = send(command(connection, 'ROLLBACK'));
          await Promise.race([rolledBack, ended]).then(
            () => release(connection),
            () => discard(connection),
          );
        }
        throw error;
      } finally {
        signal.removeEventListener('abort', abort);
      }
    },
    async close() {
      const error = new ConnectionLost('the connection was closed');
      closing.abort(error);
      for (const waiter of waiting) waiter.reject(error);
      waiting.clear();
      for (const connection of open) connection.end();
    },
  };
}

/** A statement without parameters and rows, by the simple protocol: one message in place of five. */
function command({ sql }: Connection, text: BeginStatement | 'COMMIT' | 'ROLLBACK') {
  return sql.unsafe(text).simple();
}

function noop(): void {}
