import { once } from 'node:events';
import { createServer } from 'node:net';

/** How many ports are tried. */
const MAX_TRIES = 100;

/** The next free port of a host; null where there is none among the next 100. */
export async function freePortAfter(host: string, port: number): Promise<number | null> {
  const last = Math.min(port + MAX_TRIES, 65_535);
  for (let next = port + 1; next <= last; next++) {
    if (await isFree(host, next)) return next;
  }
  return null;
}

async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer().listen(port, host);
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
