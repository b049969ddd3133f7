import type { WebSocket } from 'ws';
import { apiError } from '../../errors.ts';
import type { Caller } from '../../graphql/caller.ts';
import { toBytes } from '../../graphql/execution/serialize.ts';
import { type OperationResult, recordError, type Results } from '../../graphql/operation-result.ts';
import { parseParams } from '../../graphql/params.ts';
import type { RunOperation } from '../../graphql/run-operation.ts';
import type { ResultStream } from '../../graphql/subscribe.ts';
import { ClientGone } from '../../graphql/timeout.ts';
import { MAX_SOCKET_OPERATIONS } from '../../limits.ts';
import type { RequestRecord } from '../../observability/request-record.ts';
import type { ReportRequest } from '../../observability/request-reporter.ts';
import type { Sink } from '../../subscriptions/async-queue.ts';
import type { AdmitCaller } from '../admission.ts';
import { closeAtTokenEnd, type Connection, SERVICE_RESTART } from './socket-connection.ts';

/** What operations over a WebSocket consist of: the same as those over HTTP. */
export interface OperationParts {
  readonly admitCaller: AdmitCaller;
  readonly runOperation: RunOperation;
  readonly results: Results;
  readonly report: ReportRequest;
}

/**
 * Runs an operation.
 * @param id its id on the connection
 * @param payload its parameters
 * @param count how many operations the connection has, this one included
 * @returns its result, or its results; null when the client goes away before, or completes it
 */
export async function runSocketOperation(
  { admitCaller, runOperation, results }: OperationParts,
  { socket, identity, onCompleted }: Connection,
  record: RequestRecord,
  id: string,
  payload: unknown,
  count: number,
): Promise<OperationResult | ResultStream | null> {
  let current: (() => void) | null = null;
  const caller: Caller = {
    identity,
    record,
    isReadOnly: false,
    accepts: { result: 'application/json', stream: 'websocket' },
    onDisconnect(listener) {
      if (current !== null) {
        socket.off('close', current);
        if (onCompleted.get(id) === current) onCompleted.delete(id);
      }
      current = listener;
      if (listener === null) return;
      socket.once('close', listener);
      onCompleted.set(id, listener);
    },
  };
  try {
    if (count > MAX_SOCKET_OPERATIONS) throw tooManyOperations();
    admitCaller(identity, record);
    return await runOperation(parseParams(payload), caller);
  } catch (error) {
    return error instanceof ClientGone ? null : results.failed(error, record.requestId);
  }
}

/** An operation that has begun. */
export interface StartedOperation {
  readonly id: string;
  readonly outcome: OperationResult | ResultStream;
  readonly record: RequestRecord;
  readonly socket: WebSocket;
}

/**
 * Sends the results of an operation. graphql-ws gets an iterable without values, which ends after the last result: it
 * would serialize each result again. The interruption of a subscription, and the end of its token, close the
 * connection.
 */
export function sendMessages(
  { id, outcome, record, socket }: StartedOperation,
  report: ReportRequest,
): AsyncIterableIterator<never, undefined> {
  let resume: (() => void) | null = null;
  const sendNext = createSender(id, socket, () => resume?.());
  let end: ((result: typeof DONE) => void) | null = null;
  function finish(isAborted: boolean): void {
    report(record, null, isAborted);
    end?.(DONE);
  }
  const sink: Sink<OperationResult> = {
    write(result) {
      recordError(record, result);
      if (!isTokenEnd(result)) return sendNext(result);
      closeAtTokenEnd(socket);
      finish(true);
      return true;
    },
    close: () => finish(false),
    abort() {
      socket.close(SERVICE_RESTART, 'Subscribe again');
      finish(true);
    },
  };
  const messages: AsyncIterableIterator<never, undefined> = {
    next() {
      return new Promise((resolve) => {
        end = resolve;
        if ('json' in outcome) {
          sink.write(outcome);
          sink.close();
        } else resume = outcome.pipe(sink);
      });
    },
    async return() {
      finish(true);
      if (!('json' in outcome)) await outcome.return();
      return DONE;
    },
    [Symbol.asyncIterator]: () => messages,
  };
  return messages;
}

/**
 * Creates the function that sends a result as a `next` message. It returns false when the operating system has not
 * taken all of it: a slow client is waited for.
 * @param onSent called when a message has been sent, or cannot be sent any more
 */
function createSender(
  id: string,
  socket: WebSocket,
  onSent: () => void,
): (result: OperationResult) => boolean {
  const before = `{"id":${toBytes(JSON.stringify(id))},"type":"next","payload":`;
  return ({ json }) => {
    if (socket.readyState !== socket.OPEN) return true;
    socket.send(Buffer.from(`${before}${json}}`, 'latin1'), TEXT, onSent);
    return socket.bufferedAmount === 0;
  };
}

const TEXT = { binary: false };
const DONE = { done: true, value: undefined } as const;

function isTokenEnd({ hasData, errors }: OperationResult): boolean {
  return !hasData && errors[0]?.extensions['code'] === 'UNAUTHENTICATED';
}

function tooManyOperations(): Error {
  return apiError(
    'LIMIT_EXCEEDED',
    `A connection may have ${MAX_SOCKET_OPERATIONS} operations at once: complete one first.`,
  );
}
