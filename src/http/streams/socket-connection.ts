import type { IncomingMessage } from 'node:http';
import { CloseCode } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { Authenticate } from '../../auth/authenticator.ts';
import type { Identity } from '../../auth/identity.ts';
import { recordError, type Results } from '../../graphql/operation-result.ts';
import type { Deadlines, Expiring } from '../../lib/deadlines.ts';
import { isObject } from '../../lib/is-object.ts';
import { GRAPHQL_PATH } from '../../lib/paths.ts';
import { beginRecord, type RequestRecord } from '../../observability/request-record.ts';
import type { ReportRequest } from '../../observability/request-reporter.ts';
import type { StartTrace } from '../../observability/request-spans.ts';
import { PING_INTERVAL } from './send-stream.ts';

/** What connections consist of. */
export interface ConnectionParts {
  readonly authenticate: Authenticate;
  readonly results: Results;
  readonly report: ReportRequest;
  /** Null where requests are not traced. */
  readonly startTrace: StartTrace | null;
}

/** An open connection. */
export interface Connection {
  readonly socket: WebSocket;
  /** The upgrade request. */
  readonly request: IncomingMessage;
  /** The token of the connection; null without one. */
  identity: Identity | null;
  /** Closes the connection when its token ends; null without one. */
  tokenEnd: Expiring | null;
  /** Called when the client completes an operation that still runs, by the operation's id. */
  readonly onCompleted: Map<string, () => void>;
}

/** How connections are closed: https://www.iana.org/assignments/websocket */
export const SERVICE_RESTART = 1012;
const INTERNAL_ERROR = 1011;
const TRY_AGAIN_LATER = 1013;
/** The reason of a close frame has 123 bytes at most; cutting a character may add two. */
const MAX_REASON_BYTES = 120;
/** How long a client may leave pings unanswered, in milliseconds. */
const PONG_TIMEOUT = 60_000;

/**
 * Authenticates a connection by its payload, or by its upgrade request. Closes it where its token is not valid.
 * @returns whether the connection is open
 */
export async function authenticateConnection(
  parts: ConnectionParts,
  tokenEnds: Deadlines,
  connection: Connection,
  payload: Readonly<Record<string, unknown>> = {},
): Promise<boolean> {
  const { socket, request } = connection;
  const given = payload['authorization'] ?? payload['Authorization'];
  try {
    connection.identity = await parts.authenticate(
      given === undefined ? (request.headers.authorization ?? null) : textOf(given),
    );
  } catch (error) {
    refuse(parts, connection, error);
    return false;
  }
  if (socket.readyState !== socket.OPEN) return false;
  const { identity } = connection;
  if (identity !== null) {
    const expiresAt = performance.now() + identity.expiresAt - Date.now();
    connection.tokenEnd = { expiresAt, expire: () => closeAtTokenEnd(socket) };
    tokenEnds.add(connection.tokenEnd);
  }
  return true;
}

/** Closes a connection whose token has ended. */
export function closeAtTokenEnd(socket: WebSocket): void {
  socket.close(CloseCode.Unauthorized, 'The token has ended');
}

/** Begins the record of an operation, or of a connection that is refused. */
export function beginSocketRecord(
  { startTrace }: ConnectionParts,
  { headers }: IncomingMessage,
): RequestRecord {
  return beginRecord('WEBSOCKET', GRAPHQL_PATH, undefined, startTrace?.(headers) ?? null);
}

/** Pings a client, and ends the connection when it does not answer. Returns the function that stops it. */
export function keepAlive(socket: WebSocket): () => void {
  let answeredAt = performance.now();
  socket.on('pong', () => {
    answeredAt = performance.now();
  });
  const interval = setInterval(() => {
    if (performance.now() - answeredAt > PONG_TIMEOUT) socket.terminate();
    else socket.ping();
  }, PING_INTERVAL);
  return () => clearInterval(interval);
}

/** Sends a message; is done when the operating system has it, so that a slow client is waited for. */
export function sendMessage(socket: WebSocket, text: string): Promise<void> | void {
  if (socket.readyState !== socket.OPEN) return;
  return new Promise((resolve) => {
    // After an error the connection is closed, which ends its operations.
    socket.send(text, () => resolve());
  });
}

/** Messages that complete an operation are short. */
const MAX_COMPLETE_LENGTH = 1_000;

/** Tells an operation that still runs that its client has completed it. @param text a message of the client's */
export function notifyCompleted({ onCompleted }: Connection, text: string): void {
  if (onCompleted.size === 0 || text.length > MAX_COMPLETE_LENGTH || !text.includes('"complete"')) return;
  const message = parseMessage(text);
  if (!isObject(message) || message['type'] !== 'complete') return;
  onCompleted.get(textOf(message['id']))?.();
}

/** Null for what is no JSON: the connection is then closed anyway. */
function parseMessage(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** What is no string is no valid token, and no id. */
function textOf(given: unknown): string {
  return typeof given === 'string' ? given : '';
}

function refuse(parts: ConnectionParts, { socket, request }: Connection, error: unknown): void {
  const record = beginSocketRecord(parts, request);
  const refusal = parts.results.failed(error, record.requestId);
  recordError(record, refusal);
  parts.report(record, null, false);
  const message = refusal.errors[0]?.message ?? '';
  socket.close(closeCodeOf(record), Buffer.from(message).subarray(0, MAX_REASON_BYTES).toString());
}

function closeCodeOf({ error }: RequestRecord): number {
  switch (error?.code) {
    case 'UNAUTHENTICATED':
      return CloseCode.Unauthorized;
    case 'SERVICE_UNAVAILABLE':
      return TRY_AGAIN_LATER;
    default:
      return INTERNAL_ERROR;
  }
}
