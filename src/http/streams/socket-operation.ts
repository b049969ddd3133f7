import type { ExecutionResult } from 'graphql';
import type { WebSocket } from 'ws';
import { apiError } from '../../errors.ts';
import type { Caller } from '../../graphql/caller.ts';
import { type OperationResult, recordError, type Results } from '../../graphql/operation-result.ts';
import { parseParams } from '../../graphql/params.ts';
import type { RunOperation } from '../../graphql/run-operation.ts';
import type { ResultStream } from '../../graphql/subscribe.ts';
import { ClientGone } from '../../graphql/timeout.ts';
import { MAX_SOCKET_OPERATIONS } from '../../limits.ts';
import type { RequestRecord } from '../../observability/request-record.ts';
import type { ReportRequest } from '../../observability/request-reporter.ts';
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
  const caller: Caller = {
    identity,
    record,
    isReadOnly: false,
    accepts: { result: 'application/json', stream: 'websocket' },
    onDisconnect(listener) {
      socket.once('close', listener);
      onCompleted.set(id, listener);
      return () => {
        socket.off('close', listener);
        if (onCompleted.get(id) === listener) onCompleted.delete(id);
      };
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

/** The results of a subscription, for graphql-ws. Its interruption, and the end of its token, close the connection. */
export function toMessages(
  results: ResultStream,
  record: RequestRecord,
  socket: WebSocket,
  report: ReportRequest,
): AsyncIterableIterator<ExecutionResult, undefined> {
  const messages: AsyncIterableIterator<ExecutionResult, undefined> = {
    async next() {
      try {
        const { done, value } = await results.next();
        if (done === true) {
          report(record, null, false);
          return { done, value: undefined };
        }
        recordError(record, value);
        if (!isTokenEnd(value)) return { done: false, value: value.result };
        closeAtTokenEnd(socket);
      } catch {
        socket.close(SERVICE_RESTART, 'Subscribe again');
      }
      report(record, null, true);
      return { done: true, value: undefined };
    },
    async return() {
      report(record, null, true);
      await results.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => messages,
  };
  return messages;
}

function isTokenEnd({ result }: OperationResult): boolean {
  return !('data' in result) && result.errors?.[0]?.extensions['code'] === 'UNAUTHENTICATED';
}

function tooManyOperations(): Error {
  return apiError(
    'LIMIT_EXCEEDED',
    `A connection may have ${MAX_SOCKET_OPERATIONS} operations at once: complete one first.`,
  );
}
