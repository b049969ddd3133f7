import type { ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import type { Caller, StreamType } from '../../graphql/caller.ts';
import type { OperationResult } from '../../graphql/operation-result.ts';
import type { ResultStream } from '../../graphql/subscribe.ts';
import { REQUEST_ID_HEADER } from '../../observability/request-id.ts';
import type { Sink } from '../../subscriptions/async-queue.ts';
import type { HeaderList } from '../cors.ts';
import { NOSNIFF } from '../nosniff.ts';
import { MULTIPART } from './multipart.ts';
import { SSE } from './sse.ts';
import type { BodyPart, StreamFormat } from './stream-format.ts';

/** Options of `sendStream`. */
export interface SendStreamOptions {
  readonly type: StreamType;
  readonly caller: Pick<Caller, 'onDisconnect'>;
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
  options: SendStreamOptions,
): void {
  const { type, requestId, cors } = options;
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
  // Node.js keeps the head, a concatenation of 40 strings, unless it is written by itself.
  const { socket } = response;
  socket?.cork();
  response.flushHeaders();
  response.write(format.start);
  process.nextTick(() => socket?.uncork());
  const stream = new StreamResponse(response, format, options);
  if ('json' in results) {
    stream.write(results);
    stream.close();
  } else stream.pipe(results);
}

/** A class, and few closures: thousands of streams may be open. */
class StreamResponse implements Sink<OperationResult> {
  readonly #response: ServerResponse;
  readonly #format: StreamFormat;
  readonly #options: SendStreamOptions;
  /** What has to drain before more is written. */
  #full: Writable | null = null;
  #resume: (() => void) | null = null;

  constructor(response: ServerResponse, format: StreamFormat, options: SendStreamOptions) {
    this.#response = response;
    this.#format = format;
    this.#options = options;
  }

  pipe(results: ResultStream): void {
    const ping = setInterval(() => this.#ping(), PING_INTERVAL);
    this.#resume = results.pipe(this);
    this.#options.caller.onDisconnect(() => {
      clearInterval(ping);
      // The socket and the response can outlive the subscription.
      this.#full?.off('drain', this.#onDrain);
      void results.return();
    });
  }

  write(result: OperationResult): boolean {
    this.#options.onResult(result);
    return this.#write(this.#format.frame(result));
  }

  close(): void {
    this.#options.onEnd();
    this.#response.end(this.#format.end);
  }

  abort(): void {
    this.#response.destroy();
  }

  #ping(): void {
    // A client that does not read gets no pings either: its connection times out.
    if (this.#full === null) this.#write(this.#format.ping);
  }

  /** Writes a chunk to the socket as it is: Node.js would make four pieces of it for each response. */
  #write({ content, chunk }: BodyPart): boolean {
    const response = this.#response;
    const { socket } = response;
    // Without a socket, the response waits for those before it. HTTP/1.0 has no chunks.
    const isDirect = socket !== null && response.chunkedEncoding;
    const takesMore = isDirect ? socket.write(chunk) : response.write(content);
    if (!takesMore && this.#full === null) {
      this.#full = isDirect ? socket : response;
      this.#full.once('drain', this.#onDrain);
    }
    return takesMore;
  }

  readonly #onDrain = (): void => {
    this.#full = null;
    this.#resume?.();
  };
}
