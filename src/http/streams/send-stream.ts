import type { ServerResponse } from 'node:http';
import type { StreamType } from '../../graphql/caller.ts';
import type { OperationResult } from '../../graphql/operation-result.ts';
import type { ResultStream } from '../../graphql/subscribe.ts';
import { REQUEST_ID_HEADER } from '../../observability/request-id.ts';
import type { Sink } from '../../subscriptions/async-queue.ts';
import type { HeaderList } from '../cors.ts';
import { NOSNIFF } from '../nosniff.ts';
import { MULTIPART } from './multipart.ts';
import { SSE } from './sse.ts';

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
  const sink: Sink<OperationResult> = {
    write(result) {
      onResult(result);
      return response.write(format.frame(result));
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
    if (!response.writableNeedDrain) response.write(format.ping);
  }, PING_INTERVAL);
  const resume = results.pipe(sink);
  response.on('drain', resume);
  response.once('close', () => {
    clearInterval(ping);
    // A response can outlive its subscription.
    response.off('drain', resume);
    void results.return();
  });
}
