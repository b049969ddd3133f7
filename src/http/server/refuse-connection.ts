import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ErrorCode } from '../../errors.ts';
import { REQUEST_ID_HEADER } from '../../observability/request-id.ts';
import { errorBody } from '../error-body.ts';

/**
 * Answers bytes that Node.js cannot parse as a request, and closes the connection. Returns the status.
 * @param cause Node's error
 */
export function refuseConnection(socket: Duplex, cause: Error, requestId: string): number {
  const refusal = WHY['code' in cause ? String(cause.code) : ''] ?? MALFORMED;
  writeRefusal(socket, refusal, requestId);
  return refusal[0];
}

/** Writes a response to a connection that has no request, and closes it. */
export function writeRefusal(socket: Duplex, [status, code, message]: Refusal, requestId: string): void {
  const body = errorBody(code, message);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'X-Content-Type-Options: nosniff',
    `${REQUEST_ID_HEADER}: ${requestId}`,
    'Connection: close',
  ];
  // Node.js has taken its own listener off an upgrade, and an error without one ends the process: a client may have reset
  // the connection.
  socket.on('error', () => {});
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

/** Why a connection is refused. */
export type Refusal = readonly [status: number, code: ErrorCode, message: string];

const MALFORMED: Refusal = [400, 'BAD_USER_INPUT', 'This is no HTTP request that the server can read.'];

/** By the codes of https://nodejs.org/api/http.html#event-clienterror */
const WHY: Readonly<Record<string, Refusal>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'LIMIT_EXCEEDED', 'The request took too long to arrive.'],
  HPE_HEADER_OVERFLOW: [431, 'LIMIT_EXCEEDED', 'The headers of the request are too long.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'LIMIT_EXCEEDED', 'The chunk extensions of the request are too long.'],
};
