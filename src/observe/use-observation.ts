import { type ExecutionResult, getOperationAST } from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';
import { ERROR_CODES } from '../api-error.ts';
import { GRAPHQL_PATH, pathOf } from '../http/use-routes.ts';
import type { Answered, Observer } from './answered.ts';
import { type Notes, notesOf } from './notes.ts';
import { REQUEST_ID_HEADER } from './request-id.ts';
import { watchStream } from './watch-stream.ts';

/** A stream begins with it, whatever comes later. */
const STREAM_STATUS = 200;
/** As much of an operation's name as anybody reads, in characters. */
const MAX_NAME = 100;

/**
 * Gives each answer its request id, and tells the observers of each request once: when it is answered, when its
 * stream has ended, or when the client is gone.
 */
export function useObservation(observers: readonly Observer[]): Plugin {
  const streaming = new WeakSet<Request>();
  const over = new WeakSet<Request>();

  function end(request: Request, status: number | null, aborted: boolean): void {
    if (over.has(request)) return;
    over.add(request);
    const answered = describe(request, notesOf(request), status, aborted);
    for (const observe of observers) observe(answered, request);
  }

  return {
    onRequest({ request }) {
      notesOf(request);
      const gone = (): void => end(request, streaming.has(request) ? STREAM_STATUS : null, true);
      request.signal.addEventListener('abort', gone, { once: true });
    },
    onParse({ context }) {
      return ({ result }) => {
        if (result === null || result instanceof Error) return;
        const operation = getOperationAST(result, context.params.operationName);
        if (operation == null) return;
        const name = operation.name?.value.slice(0, MAX_NAME) ?? null;
        notesOf(context.request).operation = { name, type: operation.operation };
      };
    },
    onResultProcess({ request, result, setResult }) {
      if (!isAsyncIterable(result)) {
        if (!Array.isArray(result)) noteError(request, result);
        return;
      }
      streaming.add(request);
      setResult(
        watchStream(result, {
          event: (event) => noteError(request, event),
          end: (complete) => end(request, STREAM_STATUS, !complete),
        }),
      );
    },
    onResponse({ request, response }) {
      response.headers.set(REQUEST_ID_HEADER, notesOf(request).requestId);
      if (!streaming.has(request)) end(request, response.status, false);
    },
  };
}

/** Keeps the code of the first error: errors are public by now, and have one of ours. */
function noteError(request: Request, { errors: [first] = [] }: ExecutionResult): void {
  if (first === undefined) return;
  const code = ERROR_CODES.find((known) => known === first.extensions['code']) ?? null;
  notesOf(request).error ??= { code };
}

function describe(request: Request, notes: Notes, status: number | null, aborted: boolean): Answered {
  const failed = notes.error !== null || (status !== null && status >= 400);
  return {
    requestId: notes.requestId,
    method: METHODS.has(request.method) ? request.method : OTHER,
    path: knownPath(pathOf(request.url)),
    operationName: notes.operation?.name ?? null,
    operationType: notes.operation?.type ?? null,
    owner: notes.owner,
    status,
    duration: performance.now() - notes.startedAt,
    cost: notes.cost,
    outcome: aborted ? 'aborted' : failed ? 'error' : 'ok',
    errorCode: notes.error?.code ?? null,
    traceId: notes.traceId,
  };
}

const OTHER = '(other)';
const METHODS = new Set(['GET', 'HEAD', 'POST', 'OPTIONS', 'PUT', 'PATCH', 'DELETE']);
const PATHS = new Set([GRAPHQL_PATH, '/health', '/ready']);

function knownPath(path: string): string {
  return PATHS.has(path) ? path : OTHER;
}
