import { once } from 'node:events';
import { createServer, type IncomingMessage, request as httpRequest, type RequestListener } from 'node:http';
import { type Duplex, duplexPair, Readable } from 'node:stream';

/** Sends requests to a handler as `fetch` would, through Node's HTTP server and client, without a port. */
export type InMemoryFetch = (url: string, init?: RequestInit) => Promise<Response>;

/** Creates a `fetch` for one handler. */
export function createInMemoryFetch(handler: RequestListener): InMemoryFetch {
  const server = createServer(handler);
  return async (url, init = {}) => {
    const asked = new Request(url, init);
    const body = asked.body === null ? null : Buffer.from(await asked.arrayBuffer());
    const headers: Record<string, string | string[]> = { host: new URL(url).host };
    for (const [name, value] of new Headers(init.headers)) headers[name] = value;
    if (body !== null && headers['transfer-encoding'] === undefined) {
      headers['content-length'] ??= String(body.length);
    }
    const { pathname, search } = new URL(url);
    return new Promise((resolve, reject) => {
      init.signal?.throwIfAborted();
      const { client, socket } = connect(server);
      const sent = httpRequest({
        method: asked.method,
        path: pathOf(url) ?? `${pathname}${search}`,
        headers,
        createConnection: () => client,
        ...(init.signal && { signal: init.signal }),
      });
      sent.once('response', (response) => resolve(toResponse(response, socket)));
      sent.once('error', reject);
      sent.end(body);
    });
  };
}

/** The path as it was given: `new URL` resolves its dots. */
function pathOf(url: string): string | undefined {
  return /^https?:\/\/[^/]+(\/[^#]*)/.exec(url)?.[1];
}

/** A connection to a server in memory. */
interface Connection {
  /** The client's end. */
  readonly client: Duplex;
  /** The server's end. */
  readonly socket: Duplex;
}

function connect(server: ReturnType<typeof createServer>): Connection {
  const [client, socket] = duplexPair();
  // As for a TCP connection: what the server sent before it closed can still be read, and a client that closes is gone.
  socket.once('close', () => client.push(null));
  client.once('close', () => socket.destroy());
  server.emit('connection', socket);
  return { client, socket };
}

function toResponse(message: IncomingMessage, socket: Duplex): Response {
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(message.headersDistinct)) {
    for (const value of values) headers.append(name, value);
  }
  const status = message.statusCode ?? 0;
  const isEmpty = status === 204 || status === 304;
  if (isEmpty) message.resume();
  return new Response(isEmpty ? null : toBody(message, socket), { status, headers });
}

/** The body as it comes. Cancelling it closes the connection, and is done when the server knows. */
function toBody(message: IncomingMessage, socket: Duplex): ReadableStream<Uint8Array> {
  const chunks = Readable.prototype[Symbol.asyncIterator].call(message);
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await chunks.next();
        if (done === true) controller.close();
        else controller.enqueue(new Uint8Array(value));
      } catch (error) {
        controller.error(error);
      }
    },
    async cancel() {
      message.destroy();
      if (!socket.closed) await once(socket, 'close');
    },
  });
}
