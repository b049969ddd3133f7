import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { duplexPair } from 'node:stream';
import { type ApiParts, createApi } from '../../src/api.ts';
import { createChanges } from '../../src/changes.ts';

/** Posts to an API as bytes: what comes back, without the date. */
export type Way = (headers: Readonly<Record<string, string>>, body: string) => Promise<string>;

/** The two ways into one API. */
export interface BothWays {
  readonly front: Way;
  readonly yoga: Way;
}

/** Makes an API of its own, seen by nobody. */
export function openBothWays(parts: ApiParts): BothWays {
  const api = createApi({ ...parts, changes: createChanges(), log: () => {}, observers: [], tracing: [] });
  return { front: wayInto(api.handle), yoga: wayInto(api.handleByYoga) };
}

function wayInto(handler: RequestListener): Way {
  const server = createServer(handler);
  return async (headers, body) => {
    const [client, socket] = duplexPair();
    server.emit('connection', socket);
    const bytes = Buffer.from(body);
    const own = { host: 'localhost', connection: 'close', 'x-request-id': 'same' };
    const given = { ...own, 'content-length': String(bytes.length), ...headers };
    const lines = Object.entries(given).map(([name, value]) => `${name}: ${value}\r\n`);
    client.write(`POST /graphql HTTP/1.1\r\n${lines.join('')}\r\n`);
    client.write(bytes);
    const chunks: Buffer[] = [];
    client.on('data', (chunk: Buffer) => void chunks.push(chunk));
    await once(client, 'end');
    return Buffer.concat(chunks)
      .toString()
      .replace(/^date: .*\r\n/im, '');
  };
}
