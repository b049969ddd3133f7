import type { Socket } from 'node:net';
import { connect, type Sql } from './connect.ts';
import { ConnectionLost, StandbyError } from './connection-lost.ts';
import type { DatabaseHost, DatabaseServer } from './database-config.ts';
import { BEGIN_SESSION } from './session-settings.ts';

/** An open connection to the database. */
export interface Connection {
  readonly sql: Sql;
  /** Whether it is closed: nothing may be sent on it any more. */
  readonly isLost: boolean;
  /** Called once when it is closed, by either side. Set by the current user of the connection. */
  onLost: (error: Error) => void;
  /** Closes it, whatever is running on it. @param reason the message of the error for `onLost` */
  end(reason?: string): void;
}

/** What a connection is used for besides statements. */
export interface ListenOptions {
  /** The channel to listen on. Default: none. */
  readonly channel?: string;
  /** Called with the payload of each notification. */
  readonly onNotification?: (payload: string) => void;
}

/**
 * Starts a session over a socket, which is closed when that fails. It has a postgres.js client of its own, which never
 * reconnects: postgres.js 3.4.9 ends the process when it rolls back on a lost connection, sends waiting statements on
 * the next connection, outside of any transaction, and reconnects for ever and without a pause to a server that closes
 * each connection.
 */
export async function startSession(
  socket: Socket,
  server: DatabaseServer,
  host: DatabaseHost,
  { channel, onNotification = noop }: ListenOptions,
): Promise<Connection> {
  let isLost = false;
  let isTaken = false;
  let connection: Connection | undefined;
  let fail: (error: Error) => void = noop;
  const lost = new Promise<never>((_, reject) => {
    fail = reject;
  });
  // It may reject when nothing awaits it any more.
  lost.catch(noop);

  function markLost(message: string): void {
    if (isLost) return;
    isLost = true;
    const error = new ConnectionLost(message);
    fail(error);
    connection?.onLost(error);
  }
  socket.once('close', () => markLost('the connection was closed'));

  async function takeSocket(): Promise<Socket> {
    if (isTaken || isLost) throw new ConnectionLost('the connection was closed');
    isTaken = true;
    return socket;
  }
  const client = connect(server, host, takeSocket, onNotification);

  async function end(reason = 'the connection was ended'): Promise<void> {
    markLost(reason);
    await client.end({ timeout: 0 });
    // postgres.js waits for the other side to close the socket, which it may never do.
    socket.destroySoon();
  }

  async function begin(): Promise<Sql> {
    const [session] = await client.unsafe<{ isStandby: boolean }[]>(BEGIN_SESSION);
    if (server.primaryOnly && session?.isStandby !== false) throw new StandbyError('the server is a standby');
    if (channel !== undefined) await client.unsafe(`LISTEN ${channel}`);
    // It never resolves without an earlier statement, where `fetch_types` is false.
    return client.reserve();
  }

  try {
    const sql = await Promise.race([begin(), lost]);
    return (connection = {
      sql,
      get isLost() {
        return isLost;
      },
      onLost: noop,
      end: (reason) => void end(reason),
    });
  } catch (error) {
    void end();
    socket.destroy();
    throw error;
  }
}

function noop(): void {}
