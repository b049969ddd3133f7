import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import type { DatabaseConfig } from '../../../config.ts';
import { connect, type Sql } from './connect.ts';

/** A connection to the database, for as long as it lasts. */
export interface Connection {
  readonly sql: Sql;
  /** Nothing may be sent on it any more. */
  readonly isLost: boolean;
  /** Called once when it is lost, and also when it is ended; by whoever uses it. */
  onLost: (error: Error) => void;
  /** Ends it, with what it is doing. */
  end(): void;
}

/** How a connection is opened. */
export interface OpenOptions {
  /** Gives the attempt up. */
  readonly signal?: AbortSignal;
  /** The statement that it starts with. */
  readonly first?: string;
  /** Told of the notifications that come over it. */
  readonly onNotify?: (payload: string) => void;
}

/** The connection was lost, or could not be made. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
  readonly code = 'CONNECTION_CLOSED';
}

/**
 * Opens a connection, in one attempt. It is a client of its own, which never gives its connection back and never
 * connects again: postgres.js 3.4.9 ends the process when it rolls back on a connection that was lost, sends what still
 * waits on the next one, outside of any transaction, and tries for ever, without a pause, where it is hung up on.
 * @throws ConnectionLost
 */
export async function openConnection(
  config: DatabaseConfig,
  { signal, first = 'SELECT 1', onNotify = nothing }: OpenOptions = {},
): Promise<Connection> {
  let isLost = false;
  let connection: Connection | undefined;
  let fail: (error: Error) => void = nothing;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  // It may fail when nobody looks any more.
  failed.catch(() => {});
  const sockets: Socket[] = [];

  function lose(cause: unknown): void {
    if (isLost) return;
    isLost = true;
    const error = cause instanceof ConnectionLost ? cause : new ConnectionLost(messageOf(cause), { cause });
    fail(error);
    connection?.onLost(error);
  }
  function giveUp(): void {
    lose(signal?.reason);
  }
  const timer = setTimeout(() => {
    lose(new Error(`no connection within ${config.connectTimeout} ms`));
  }, config.connectTimeout);
  signal?.addEventListener('abort', giveUp, { once: true });
  if (signal?.aborted === true) giveUp();

  let client: ReturnType<typeof connect> | undefined;
  function end(): void {
    lose(new Error('the connection was ended'));
    void endSoon();
  }

  async function endSoon(): Promise<void> {
    await client?.end({ timeout: 0 });
    // It would wait for the other side, which may never answer.
    for (const socket of sockets) socket.destroySoon();
  }

  try {
    client = connect(config, () => lose(new Error('the connection was closed')), {
      // Called for each attempt to connect.
      async socket(target: Target): Promise<Socket> {
        if (isLost || sockets.length > 0) {
          const error = new Error('the connection was closed before it was of use');
          lose(error);
          throw error;
        }
        return openSocket(target, sockets);
      },
      onnotify: (_channel: string, payload: string) => onNotify(payload),
    });
    // Without a statement before it, `reserve` waits for the types that nobody fetches.
    await Promise.race([client.unsafe(first), failed]);
    const sql = await client.reserve();
    return (connection = {
      sql,
      get isLost() {
        return isLost;
      },
      onLost: nothing,
      end,
    });
  } catch (error) {
    end();
    for (const socket of sockets) socket.destroy();
    throw error instanceof ConnectionLost ? error : new ConnectionLost(messageOf(error), { cause: error });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
  }
}

/** What postgres.js has read in the URL: hosts with their ports, or a path. */
interface Target {
  readonly host: readonly string[];
  readonly port: readonly number[];
  readonly path: string | false;
}

/** Connects to the first host that takes it. @param sockets is given each socket that is tried */
async function openSocket({ host: hosts, port: ports, path }: Target, sockets: Socket[]): Promise<Socket> {
  let failure: unknown = new Error('there is no host');
  for (const [index, host] of hosts.entries()) {
    const port = Number(ports[index] ?? ports[0]);
    const socket = path === false ? connectSocket(port, host) : connectSocket(path);
    sockets.push(socket);
    try {
      await once(socket, 'connect');
      // As the name that a certificate has to be for.
      return Object.assign(socket, { host, port });
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** What an error says; where it is of several addresses of a host, what they say. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join(', ');
  return error instanceof Error ? error.message : String(error);
}

function nothing(): void {}
