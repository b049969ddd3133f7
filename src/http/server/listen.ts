import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { BODY_TIME, HEADERS_TIME, STALL_TIME } from '../../limits.ts';
import { REQUEST_ID_HEADER, requestIdFrom } from '../../observability/request-id.ts';
import { errorBody } from '../error-body.ts';
import { NOSNIFF } from '../nosniff.ts';
import { refuseConnection } from './refuse-connection.ts';
import { targetOf } from './request-target.ts';

/** A server that listens. */
export interface Listening {
  readonly port: number;
  /**
   * Accepts nothing more, and is done when the last request is.
   * @param patience how long running requests may take, in milliseconds; then they are cut off
   */
  close(patience: number): Promise<void>;
}

/** How long a connection may take for its parts, in milliseconds. */
export interface ConnectionTimes {
  /** Until the headers are there. */
  readonly headers?: number;
  /** Until the whole request is there. */
  readonly body?: number;
  /** Between two looks whether it took longer: by so much more it may take. */
  readonly check?: number;
  /** Without taking anything of an answer. */
  readonly stall?: number;
  /** To read the answer to a request that is not whole. */
  readonly linger?: number;
  /** For the rest of headers that are half there when the server closes. */
  readonly halfSent?: number;
}

/** How to serve. */
export interface ServeOptions extends ConnectionTimes {
  /** Told of what never became a request, and of the status that it was answered with. */
  readonly onRefused?: (status: number, requestId: string) => void;
}

/** Starts to listen. Rejects with the system's error where it cannot. @param port 0 for any free one */
export async function serve(
  handler: RequestListener,
  host: string,
  port: number,
  {
    headers = HEADERS_TIME,
    body = BODY_TIME,
    check = 500,
    stall = STALL_TIME,
    linger = 5_000,
    halfSent = 1_000,
    onRefused = () => {},
  }: ServeOptions = {},
): Promise<Listening> {
  /** The connections, each with the latest answer on it: the earlier ones are over when that one is. */
  const connections = new Map<Socket, ServerResponse | null>();

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    connections.set(socket, response);
    response.shouldKeepAlive &&= server.listening;
    // Each of these comes once at most.
    response.on('close', onClose);
    // Who is refused in the middle of a request has some time to read why; the rest of it is not waited for.
    response.on('finish', () => {
      if (request.complete) return;
      const cut = setTimeout(() => !request.complete && socket.destroy(), linger);
      socket.once('close', () => clearTimeout(cut));
    });
    // A stream, of which yoga says that it may stall for ever.
    response.on('pipe', () => socket.setTimeout(stall));
    const target = targetOf(request);
    if (target === null) {
      const requestId = requestIdFrom(request.headersDistinct['x-request-id']?.[0]);
      onRefused(400, requestId);
      response.setHeader(...NOSNIFF);
      response.setHeader(REQUEST_ID_HEADER, requestId);
      response.writeHead(400, { 'Content-Type': 'application/json; charset=utf-8' }).end(NO_TARGET);
      return;
    }
    request.url = target;
    handler(request, response);
  }

  function onClose(): void {
    if (!server.listening) closeIdle();
  }

  /** Once nothing runs: for Node an answer is over when it is handed over, before it is sent. */
  function closeIdle(): void {
    for (const response of connections.values()) if (response?.closed === false) return;
    server.closeIdleConnections();
  }

  const server = createServer(
    {
      headersTimeout: headers,
      requestTimeout: Math.max(headers, body),
      connectionsCheckingInterval: check,
      // `targetOf` does, and its refusal has a body.
      requireHostHeader: false,
    },
    answer,
  );
  server.timeout = stall;
  // To refuse what nobody knows to expect is optional: https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1
  server.on('checkExpectation', answer);
  function refuse(socket: Duplex, cause: Error): void {
    const requestId = requestIdFrom(undefined);
    onRefused(refuseConnection(socket, cause, requestId), requestId);
  }
  server.on('connect', (_request, socket) => refuse(socket, new Error('This is no proxy.')));
  server.on('clientError', (cause, socket) => {
    const response = socket instanceof Socket ? connections.get(socket) : null;
    // In the middle of an answer, or after it for the request that it was for, another one would be read as its part.
    const isAnswered = response?.headersSent && !(response.writableFinished && response.req.complete);
    if (isAnswered || !socket.writable) socket.destroy();
    else refuse(socket, cause);
  });
  server.on('connection', (socket: Socket) => {
    connections.set(socket, null);
    socket.once('close', () => connections.delete(socket));
  });
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();

  /** Ends the connections on which no request runs. */
  function cutIdle(): void {
    for (const [socket, response] of connections) if (response === null || response.closed) socket.destroy();
  }

  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    async close(patience) {
      const closed = once(server, 'close');
      // That of HTTP would cut off answers that are not all sent yet.
      Server.prototype.close.call(server);
      for (const [socket, response] of connections) {
        if (response?.headersSent === false) response.shouldKeepAlive = false;
        // Browsers open connections in advance. To Node one is idle only after its first request.
        if (socket.bytesRead === 0) socket.destroy();
      }
      closeIdle();
      const half = setTimeout(cutIdle, halfSent);
      const cut = setTimeout(() => server.closeAllConnections(), patience);
      await closed;
      clearTimeout(half);
      clearTimeout(cut);
      // Ends the looks for requests that take too long.
      server.close();
    },
  };
}

const NO_TARGET = errorBody('BAD_USER_INPUT', 'The Host header and the path of the request make no URL.');
