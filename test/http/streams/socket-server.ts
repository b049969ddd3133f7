import { onTestFinished } from 'vitest';
import type { ServeOptions } from '../../../src/http/server/listen.ts';
import type { TestParts } from '../../support/api.ts';
import { listen } from '../listen.ts';
import { connectAs, type SocketClient } from './socket-client.ts';

/** A server that closes with its test. */
export async function startServer(parts: TestParts = {}, options: ServeOptions = {}) {
  const server = await listen(parts, options);
  onTestFinished(() => server.close());
  return server;
}

/** An owner's connection to a server of its own. */
export async function connect(parts: TestParts = {}, owner: string | null = 'alice') {
  const server = await startServer(parts);
  return { ...server, client: await connectAs(server.port, owner) };
}

/**
 * Is done when the server has processed all that was sent before.
 * @throws TypeError where it has sent a message that was not taken
 */
export async function roundTrip(client: SocketClient): Promise<void> {
  client.send({ type: 'ping' });
  const { type } = await client.next();
  if (type !== 'pong') throw new TypeError(`There was a message before the pong: ${type}.`);
}
