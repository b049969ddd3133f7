import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ExecutionArgs, GraphQLError, GraphQLSchema, parse } from 'graphql';
import { CloseCode, handleProtocols, makeServer } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';

import { recordError } from '../../graphql/operation-result.ts';
import { Deadlines } from '../../lib/deadlines.ts';
import { MAX_BODY_BYTES } from '../../limits.ts';
import { waitForCloseEvents } from '../close-events.ts';
import {
  authenticateConnection,
  beginSocketRecord,
  type Connection,
  type ConnectionParts,
  keepAlive,
  sendMessage,
  SERVICE_RESTART,
  notifyCompleted,
} from './socket-connection.ts';
import {
  type OperationParts,
  runSocketOperation,
  sendMessages,
  type StartedOperation,
} from './socket-operation.ts';

/** The WebSocket transport. */
export interface WebSocketHandler {
  /** Accepts an upgrade to a WebSocket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Closes all connections with the code 1012 (service restart): clients connect again. */
  close(): void;
}

/**
 * Creates the transport for the `graphql-transport-ws` protocol:
 * https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
 */
export function createWebSocketHandler(parts: ConnectionParts & OperationParts): WebSocketHandler {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_BODY_BYTES, handleProtocols });
  const tokenEnds = new Deadlines();
  const started = new WeakMap<ExecutionArgs, StartedOperation>();
  const server = makeServer<Record<string, unknown>, Connection>({
    onConnect: ({ extra, connectionParams }) =>
      authenticateConnection(parts, tokenEnds, extra, connectionParams),
    async onSubscribe({ extra, subscriptions }, id, payload) {
      const { socket, request } = extra;
      const record = beginSocketRecord(parts, request);
      const count = Object.keys(subscriptions).length;
      const outcome = await runSocketOperation(parts, extra, record, id, payload, count);
      if (outcome === null) {
        parts.report(record, null, true);
        return [GONE];
      }
      if ('json' in outcome) {
        if (outcome.onUndelivered !== undefined) {
          await waitForCloseEvents();
          if (socket.readyState !== socket.OPEN) outcome.onUndelivered();
        }
        recordError(record, outcome);
        parts.report(record, null, false);
        // A request error is an `error` message, and no result.
        if (!outcome.hasData) return outcome.errors;
      }
      const args = { schema: NO_SCHEMA, document: SUBSCRIPTION };
      started.set(args, { id, outcome, record, socket });
      return args;
    },
    subscribe(args) {
      const operation = started.get(args);
      return operation === undefined ? {} : sendMessages(operation, parts.report);
    },
    onClose({ extra: { tokenEnd } }) {
      if (tokenEnd !== null) tokenEnds.delete(tokenEnd);
    },
  });

  sockets.on('connection', (socket: WebSocket, request: IncomingMessage) => {
    // Each operation that runs listens for its end.
    socket.setMaxListeners(0);
    const connection: Connection = {
      socket,
      request,
      identity: null,
      tokenEnd: null,
      onCompleted: new Map(),
    };
    const closed = server.opened(
      {
        protocol: socket.protocol,
        send: (text) => sendMessage(socket, text),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (listener) =>
          socket.on('message', (data) => {
            // What comes after the server has closed the connection, such as at the end of its token.
            if (socket.readyState !== socket.OPEN) return;
            // With the default `binaryType` it is a Buffer.
            const text = Buffer.isBuffer(data) ? data.toString() : '';
            // A message that is not of the protocol.
            listener(text).catch(() => socket.close(CloseCode.BadRequest, 'Invalid message'));
            notifyCompleted(connection, text);
          }),
      },
      connection,
    );
    const stopPings = keepAlive(socket);
    // The connection is closed after an error.
    socket.on('error', () => {});
    socket.once('close', (code, reason) => {
      stopPings();
      void closed(code, String(reason));
    });
  });

  return {
    upgrade(request, socket, head) {
      sockets.handleUpgrade(request, socket, head, (opened) => sockets.emit('connection', opened, request));
    },
    close() {
      for (const socket of sockets.clients) socket.close(SERVICE_RESTART, 'The server is shutting down');
    },
  };
}

/** Arguments for graphql-ws, which only reads the kind of the operation from them: the pipeline runs it. */
const NO_SCHEMA = new GraphQLSchema({});
const SUBSCRIPTION = parse('subscription { __typename }');
/** The result of an operation whose client has disconnected: it is not sent. */
const GONE = new GraphQLError('The client has gone.');
