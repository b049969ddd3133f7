import { GRAPHQL_PATH, HEALTH_PATH, READY_PATH } from '../lib/paths.ts';
import type { CompletedRequest, RequestObserver } from './completed-request.ts';
import type { RequestRecord } from './request-record.ts';

/**
 * Reports a completed request to the observers, once.
 * @param status the HTTP status; null when the client went away before there was one
 * @param isAborted whether the response was not sent to its end
 */
export type ReportRequest = (record: RequestRecord, status: number | null, isAborted: boolean) => void;

/** Creates the function that reports to these observers. */
export function createRequestReporter(observers: readonly RequestObserver[]): ReportRequest {
  return (record, status, isAborted) => {
    if (record.isReported) return;
    record.isReported = true;
    const completed = toCompleted(record, status, isAborted);
    for (const observe of observers) observe(completed, record);
  };
}

function toCompleted(record: RequestRecord, status: number | null, isAborted: boolean): CompletedRequest {
  const { method, path, operation, error } = record;
  const hasFailed = error !== null || (status !== null && status >= 400);
  return {
    requestId: record.requestId,
    method: METHODS.has(method) ? method : OTHER,
    path: PATHS.has(path) ? path : OTHER,
    operationName: operation?.name ?? null,
    operationType: operation?.type ?? null,
    owner: record.owner,
    isWorker: record.isWorker,
    status,
    duration: performance.now() - record.startedAt,
    cost: record.cost,
    outcome: isAborted ? 'aborted' : hasFailed ? 'error' : 'ok',
    errorCode: error?.code ?? null,
    traceId: record.trace?.traceId ?? null,
  };
}

const OTHER = '(other)';
const METHODS = new Set(['GET', 'HEAD', 'POST', 'OPTIONS', 'PUT', 'PATCH', 'DELETE', 'WEBSOCKET']);
const PATHS = new Set([GRAPHQL_PATH, HEALTH_PATH, READY_PATH]);
