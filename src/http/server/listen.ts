import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { BODY_TIME, HEADERS_TIME, KEEP_ALIVE_TIME, STALL_TIME } from '../../limits.ts';
import { requestIdFrom } from '../../observability/request-id.ts';
import { ignoreUpgrade } from './ignore-upgrade.ts';
import { OwnRequest } from './own-request.ts';
import { refuseConnection } from './refuse-connection.ts';
import { targetOf } from './request-target.ts';
import { type OnRefused, withTarget } from './with-target.ts';

/** A listening server. */
export interface Listening {
  readonly port: number;
  /**
   * Accepts no more connections, and is done when the last request is.
   * @param timeout how long running requests may take, in milliseconds; then their connections are closed
   */
  close(timeout: number): Promise<void>;
}

/** Timeouts of connections, in milliseconds. */
export interface ConnectionTimes {
  /** Until the headers have arrived. */
  readonly headers?: number;
  /** Until the whole request has arrived. */
  readonly body?: number;
  /** Between two checks of the times above, which may be exceeded by as much. */
  readonly check?: number;
  /** Without reading anything of a response. */
  readonly stall?: number;
  /** To read the response to a request that has not arrived completely. */
  readonly linger?: number;
  /** For the rest of headers that have begun to arrive when the server closes. */
  readonly halfSent?: number;
  /** Without a request. Default: `KEEP_ALIVE_TIME`. */
  readonly keepAlive?: number;
}

/** Options of `serve`. */
export interface ServeOptions extends ConnectionTimes {
  readonly onRefused?: OnRefused;
  /** Answers upgrades to a WebSocket. Default: they are ignored, as all others are. */
  readonly onUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
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
    keepAlive = KEEP_ALIVE_TIME,
    onRefused = () => {},
    onUpgrade,
  }: ServeOptions = {},
): Promise<Listening> {
  const handle = withTarget(handler, onRefused);
  /** The open connections, each with its latest response: earlier ones have ended when that one has. */
  const connections = new Map<Socket, ServerResponse | null>();

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    connections.set(socket, response);
    response.shouldKeepAlive &&= server.listening;
    // Each of these comes once at most.
    response.on('close', onClose);
    response.on('finish', onFinish);
    handle(request, response);
  }

  // These are no closures: there may be thousands of connections, each with a response.
  function onFinish(this: ServerResponse): void {
    const { req: request } = this;
    if (request.complete) return;
    // A client that is refused in the middle of its request has some time to read why.
    const { socket } = request;
    const cut = setTimeout(() => !request.complete && socket.destroy(), linger);
    socket.once('close', () => clearTimeout(cut));
  }

  function onDisconnect(this: Socket): void {
    connections.delete(this);
  }

  function onClose(): void {
    if (!server.listening) closeIdle();
  }

  /** Closes idle connections once no response is being sent. For Node.js a response has ended before it is sent. */
  function closeIdle(): void {
    for (const response of connections.values()) if (response?.closed === false) return;
    server.closeIdleConnections();
  }

  const server = createServer(
    {
      headersTimeout: headers,
      requestTimeout: Math.max(headers, body),
      connectionsCheckingInterval: check,
      keepAliveTimeout: keepAlive,
      // `targetOf` checks it, and its refusal has a body.
      requireHostHeader: false,
      IncomingMessage: OwnRequest,
    },
    answer,
  );
  server.timeout = stall;
  // A server may ignore expectations that it does not know: https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1
  server.on('checkExpectation', answer);
  function refuse(socket: Duplex, cause: Error): void {
    const requestId = requestIdFrom(undefined);
    onRefused(refuseConnection(socket, cause, requestId), requestId);
  }
  if (onUpgrade !== undefined) {
    server.on('upgrade', (request, socket, head) => {
      const isWebSocket = request.headers.upgrade?.toLowerCase() === 'websocket';
      if (!isWebSocket || request.method !== 'GET') ignoreUpgrade(server, request, socket, head);
      else if (targetOf(request) === null) refuse(socket, new Error('There is no valid target.'));
      else onUpgrade(request, socket, head);
    });
  }
  server.on('connect', (_request, socket) => refuse(socket, new Error('This is no proxy.')));
  server.on('clientError', (cause, socket) => {
    const response = socket instanceof Socket ? connections.get(socket) : null;
    // After the head of a response, another one would be read as its body.
    const isAnswered = response?.headersSent && !(response.writableFinished && response.req.complete);
    if (isAnswered || !socket.writable) socket.destroy();
    else refuse(socket, cause);
  });
  server.on('connection', (socket: Socket) => {
    connections.set(socket, null);
    socket.on('close', onDisconnect);
  });
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();

  /** Closes the connections without a request. */
  function cutIdle(): void {
    for (const [socket, response] of connections) if (response === null || response.closed) socket.destroy();
  }

  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    async close(timeout) {
      const closed = once(server, 'close');
      // HTTP's own `close` would cut off responses that are not sent completely.
      Server.prototype.close.call(server);
      for (const [socket, response] of connections) {
        if (response?.headersSent === false) response.shouldKeepAlive = false;
        // Browsers open connections in advance, which Node.js does not count as idle.
        if (socket.bytesRead === 0) socket.destroy();
      }
      closeIdle();
      const half = setTimeout(cutIdle, halfSent);
      const cut = setTimeout(() => server.closeAllConnections(), timeout);
      await closed;
      clearTimeout(half);
      clearTimeout(cut);
      // Stops the checks for requests that take too long.
      server.close();
    },
  };
}
