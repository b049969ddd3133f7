import type { ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import type { StreamType } from '../../graphql/caller.ts';
import type { OperationResult } from '../../graphql/operation-result.ts';
import type { ResultStream } from '../../graphql/subscribe.ts';
import { REQUEST_ID_HEADER } from '../../observability/request-id.ts';
import type { Sink } from '../../subscriptions/async-queue.ts';
import type { HeaderList } from '../cors.ts';
import { NOSNIFF } from '../nosniff.ts';
import { MULTIPART } from './multipart.ts';
import { SSE } from './sse.ts';
import type { BodyPart } from './stream-format.ts';

/** Options of `sendStream`. */
export interface SendStreamOptions {
  readonly type: StreamType;
  readonly requestId: string;
  readonly cors: HeaderList;
  /** Called for each result before it is sent. */
  readonly onResult: (result: OperationResult) => void;
  /** Called when all results have been sent. */
  readonly onEnd: () => void;
}

/** How often an open stream sends something, in milliseconds. Proxies close connections that are silent for 60 s. */
export const PING_INTERVAL = 12_000;

/**
 * Sends results until there are no more, or the client goes away. A stream that is interrupted is cut without its end,
 * so that clients connect again.
 */
export function sendStream(
  response: ServerResponse,
  results: ResultStream | OperationResult,
  { type, requestId, cors, onResult, onEnd }: SendStreamOptions,
): void {
  const format = type === 'text/event-stream' ? SSE : MULTIPART;
  response.writeHead(200, [
    ...NOSNIFF,
    'Content-Type',
    format.contentType,
    'Cache-Control',
    'no-cache, no-transform',
    'X-Accel-Buffering',
    'no',
    REQUEST_ID_HEADER,
    requestId,
    ...cors,
  ]);
  response.write(format.start);
  /** What has to drain before more is written. */
  let full: Writable | null = null;
  let resume: (() => void) | null = null;
  function onDrain(): void {
    full = null;
    resume?.();
  }
  /** Writes a chunk to the socket as it is: Node.js would make four pieces of it for each response. */
  function write({ content, chunk }: BodyPart): boolean {
    const { socket } = response;
    // Without a socket, the response waits for those before it. HTTP/1.0 has no chunks.
    const isDirect = socket !== null && response.chunkedEncoding;
    const takesMore = isDirect ? socket.write(chunk) : response.write(content);
    if (!takesMore && full === null) {
      full = isDirect ? socket : response;
      full.once('drain', onDrain);
    }
    return takesMore;
  }
  const sink: Sink<OperationResult> = {
    write(result) {
      onResult(result);
      return write(format.frame(result));
    },
    close() {
      onEnd();
      response.end(format.end);
    },
    abort: () => void response.destroy(),
  };
  if ('json' in results) {
    sink.write(results);
    return sink.close();
  }
  const ping = setInterval(() => {
    // A client that does not read gets no pings either: its connection times out.
    if (full === null) write(format.ping);
  }, PING_INTERVAL);
  resume = results.pipe(sink);
  response.once('close', () => {
    clearInterval(ping);
    // The socket and the response can outlive the subscription.
    full?.off('drain', onDrain);
    void results.return();
  });
}
