import { setMaxListeners } from 'node:events';
import type { PendingQuery, Row } from 'postgres';
import type { DatabaseConfig } from '../../../config.ts';
import type { Sql } from './connect.ts';
import { type Connection, ConnectionLost, openConnection } from './connection.ts';

/** What runs within one transaction. */
export interface Transaction {
  /** Writes statements and parts of them. */
  readonly sql: Sql;
  /** Sends a statement, after those that were sent before and without waiting for them. */
  run<T extends readonly (Row | undefined)[]>(statement: PendingQuery<T>): Promise<T>;
}

/** Connections, each used by one transaction at a time. */
export interface Pool {
  /**
   * Runs a transaction, which is committed once its work is done, and undone when that fails. The connection is given
   * up when it is lost, and when the signal says that nobody waits any more: the transaction then ends by itself.
   */
  transaction<T>(begin: Begin, signal: AbortSignal, work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Closes the connections that nobody uses, since they may be stuck: that shows only once they are used. */
  closeIdle(): void;
  /** Closes all connections, with what they are doing. */
  close(): Promise<void>;
}

/** How a transaction begins. */
export type Begin = 'BEGIN' | 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY';

/** A transaction that waits for a connection. */
interface Waiter {
  resolve(connection: Connection): void;
  reject(error: unknown): void;
}

/** Opens connections when they are needed, as many as the configuration allows. */
export function createPool(config: DatabaseConfig): Pool {
  const idle: Connection[] = [];
  const open = new Set<Connection>();
  /** In the order in which they came. */
  const waiting = new Set<Waiter>();
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  let opening = 0;

  function take(signal: AbortSignal): Promise<Connection> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      closing.signal.throwIfAborted();
      const free = idle.pop();
      if (free !== undefined) return resolve(free);
      const leave = (): void => {
        waiting.delete(waiter);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        resolve(connection) {
          signal.removeEventListener('abort', leave);
          resolve(connection);
        },
        reject(error) {
          signal.removeEventListener('abort', leave);
          reject(error);
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      waiting.add(waiter);
      openMore();
    });
  }

  function nextWaiter(): Waiter | undefined {
    const [next] = waiting;
    if (next !== undefined) waiting.delete(next);
    return next;
  }

  /** Opens connections for those who wait, if there are places. */
  function openMore(): void {
    while (waiting.size > opening && open.size + opening < config.poolSize) void openOne();
  }

  /** For whoever waits for the longest time when it is there, or has failed. */
  async function openOne(): Promise<void> {
    opening++;
    try {
      const connection = await openConnection(config, { signal: closing.signal });
      opening--;
      open.add(connection);
      giveBack(connection);
    } catch (error) {
      opening--;
      nextWaiter()?.reject(error);
      openMore();
    }
  }

  function giveBack(connection: Connection): void {
    if (connection.isLost || closing.signal.aborted) return giveUp(connection);
    const next = nextWaiter();
    if (next !== undefined) return next.resolve(connection);
    idle.push(connection);
    connection.onLost = () => {
      idle.splice(idle.indexOf(connection), 1);
      giveUp(connection);
    };
  }

  function giveUp(connection: Connection): void {
    connection.onLost = nothing;
    open.delete(connection);
    connection.end();
    openMore();
  }

  function closeIdle(): void {
    for (const connection of idle.splice(0)) giveUp(connection);
  }

  return {
    closeIdle,
    async transaction(begin, signal, work) {
      const connection = await take(signal);
      let isOver = false;
      const send: Transaction['run'] = async (statement) => {
        if (connection.isLost) throw new ConnectionLost('the connection was closed');
        signal.throwIfAborted();
        return statement.execute();
      };
      const tx: Transaction = {
        sql: connection.sql,
        async run(statement) {
          // The connection may be another's by now.
          if (isOver) throw new Error('The transaction is over.');
          return send(statement);
        },
      };
      let abort = nothing;
      const ended = new Promise<never>((_, reject) => {
        connection.onLost = reject;
        abort = () => reject(signal.reason);
        signal.addEventListener('abort', abort, { once: true });
        if (signal.aborted) abort();
      });
      // It may end while nobody looks.
      ended.catch(() => {});
      try {
        const begun = send(tx.sql.unsafe(begin));
        const [result] = await Promise.race([Promise.all([work(tx), begun]), ended]);
        isOver = true;
        await Promise.race([send(tx.sql.unsafe('COMMIT')), ended]);
        giveBack(connection);
        return result;
      } catch (error) {
        isOver = true;
        if (connection.isLost || signal.aborted) {
          if (!connection.isLost) closeIdle();
          giveUp(connection);
        } else {
          const undone = send(tx.sql.unsafe('ROLLBACK'));
          await Promise.race([undone, ended]).then(
            () => giveBack(connection),
            () => giveUp(connection),
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

function nothing(): void {}
