import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { errorBody } from './error-body.ts';

/** A server that listens. */
export interface Listening {
  readonly port: number;
  /**
   * Accepts nothing more, and is done when the last request is.
   * @param patience how long running requests may take, in milliseconds; then they are cut off
   */
  close(patience: number): Promise<void>;
}

/** Starts to listen. Rejects with the system's error where it cannot. @param port 0 for any free one */
export async function serve(handler: RequestListener, host: string, port: number): Promise<Listening> {
  const server = createServer((request, response) => {
    // While it drains, a connection ends with its request rather than wait for another one.
    response.once('close', () => {
      if (!server.listening) server.closeIdleConnections();
    });
    if (hasUrl(request)) handler(request, response);
    else response.writeHead(400, { 'Content-Type': 'application/json; charset=utf-8' }).end(BAD_URL);
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();

  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    async close(patience) {
      const closed = once(server, 'close');
      server.close();
      // Browsers open connections in advance. To Node one is idle only after its first request.
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
      const cut = setTimeout(() => server.closeAllConnections(), patience);
      await closed;
      clearTimeout(cut);
    },
  };
}

/** Whether the Host header and the target make a URL: yoga answers with a stack when they do not. */
function hasUrl({ headers, url = '' }: IncomingMessage): boolean {
  return URL.canParse(`http://${headers.host ?? 'localhost'}${url}`);
}

const BAD_URL = errorBody('BAD_USER_INPUT', 'The Host header and the path of the request make no URL.');
