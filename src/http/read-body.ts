import type { IncomingMessage } from 'node:http';
import { apiError } from '../errors.ts';
import { MAX_BODY_BYTES } from '../limits.ts';
import { isJson } from './media-types.ts';

/** Refuses a request whose body is not JSON in UTF-8 without compression. @throws GraphQLError BAD_USER_INPUT */
export function assertJson({ headers }: IncomingMessage): void {
  const encoding = headers['content-encoding'] ?? 'identity';
  // Node.js reads `gzip, chunked` as chunks, compressed or not.
  const transfer = headers['transfer-encoding'] ?? 'chunked';
  if (encoding.toLowerCase() !== 'identity' || transfer.toLowerCase() !== 'chunked') {
    throw apiError('BAD_USER_INPUT', 'Send the request without compression.', {
      status: 415,
      headers: { 'Accept-Encoding': 'identity' },
    });
  }
  if (isJson(headers['content-type'])) return;
  throw apiError('BAD_USER_INPUT', 'Send the request as JSON, with `Content-Type: application/json`.', {
    status: 415,
    headers: { 'Accept-Post': 'application/json' },
  });
}

/** Reads the body of a request. Calls one of the functions once, and neither when the client goes away. */
export function readBody(
  request: IncomingMessage,
  done: (body: Buffer) => void,
  failed: (error: Error) => void,
): void {
  const length = Number(request.headers['content-length'] ?? 0);
  if (length > MAX_BODY_BYTES) return failed(tooLong());
  const chunks: Buffer[] = [];
  let bytes = 0;
  const read = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) return void chunks.push(chunk);
    request.off('data', read).off('end', end).resume();
    failed(tooLong());
  };
  const end = (): void => {
    // It would keep the body for as long as the request is answered.
    request.off('data', read);
    done(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks));
  };
  request.on('data', read).once('end', end);
}

/** Parses a body. @throws GraphQLError BAD_USER_INPUT */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    throw apiError('BAD_USER_INPUT', 'The body of the request is not valid JSON.', { status: 400 });
  }
}

function tooLong(): Error {
  const message = `The body of a request may have ${MAX_BODY_BYTES} bytes.`;
  return apiError('LIMIT_EXCEEDED', message, { status: 413 });
}
