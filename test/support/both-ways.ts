import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { duplexPair } from 'node:stream';
import { type ApiParts, createApi } from '../../src/http/api.ts';
import { createChanges } from '../../src/subscriptions/change-feed.ts';
import type { Stores } from '../../src/store/stores.ts';

/** Posts to an API as bytes. */
export type Way = (headers: Readonly<Record<string, string>>, body: string) => Promise<Came>;

/** What came back, and from whom. */
export interface Came {
  /** As it came, without the date. */
  readonly answer: string;
  /** Who executed the document, if anybody did. */
  readonly by: 'front' | 'yoga';
}

/** The two ways into one API. */
export interface BothWays {
  readonly front: Way;
  readonly yoga: Way;
}

/** Makes an API of its own, seen by nobody. */
export function openBothWays(parts: ApiParts): BothWays {
  let opened = 0;
  const openStores = (): Stores => {
    opened++;
    return parts.openStores();
  };
  const own = { changes: createChanges(), log: () => {}, observers: [], tracing: [] };
  const api = createApi({ ...parts, ...own, openStores });
  // yoga opens stores for itself, even where it only answers.
  const yoga = wayInto(api.handleByYoga, () => 'yoga');
  const front = wayInto(api.handle, (isHandedOver) => (opened === (isHandedOver ? 2 : 1) ? 'front' : 'yoga'));
  return {
    yoga,
    front(headers, body) {
      opened = 0;
      return front(headers, body);
    },
  };
}

/** @param executor who has executed, by whether the front has given the request on to yoga */
function wayInto(handler: RequestListener, executor: (isHandedOver: boolean) => Came['by']): Way {
  let came: object = {};
  const server = createServer((request, response) => {
    came = request;
    handler(request, response);
  });
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
    const answer = Buffer.concat(chunks).toString();
    return { answer: answer.replace(/^date: .*\r\n/im, ''), by: executor('body' in came) };
  };
}
