import { connect, type Socket } from 'node:net';
import { ConnectionLost } from './connection-lost.ts';
import type { DatabaseHost } from './database-config.ts';

/**
 * Connects to a host.
 * @param keepAlive as `DatabaseServer` has it
 * @param signal destroys the socket when it is aborted, also after it is connected
 */
export async function openSocket(
  { address, port, isUnixSocket }: DatabaseHost,
  keepAlive: number | null,
  signal: AbortSignal,
): Promise<Socket> {
  signal.throwIfAborted();
  const socket = isUnixSocket ? connect({ path: address }) : connect({ host: address, port, noDelay: true });
  destroyOnAbort(socket, signal);
  await firstEvent(socket, 'connect');
  if (keepAlive !== null) socket.setKeepAlive(true, keepAlive * 1_000);
  return socket;
}

/** Destroys a socket when a signal is aborted. Its errors are for other listeners: without one they end the process. */
export function destroyOnAbort(socket: Socket, signal: AbortSignal): void {
  socket.on('error', () => {});
  signal.addEventListener('abort', () => socket.destroy(), { once: true });
  if (signal.aborted) socket.destroy();
}

/** Resolves to the argument of the next event of a name. Rejects when the socket fails or is closed first. */
export function firstEvent(socket: Socket, event: 'connect' | 'secureConnect' | 'data'): Promise<unknown> {
  return new Promise((resolve, reject) => {
    socket.once(event, resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new ConnectionLost('the connection was closed')));
  });
}
