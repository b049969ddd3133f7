import type { ExecutionResult } from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';
import { ERROR_CODES } from '../errors.ts';
import { pathOf } from '../http/yoga/use-routes.ts';
import { notesOf } from './request-record.ts';
import { REQUEST_ID_HEADER } from './request-id.ts';
import { noteOperation, type Tell } from './report-request.ts';
import { watchStream } from './watch-stream.ts';

/** A stream begins with it, whatever comes later. */
const STREAM_STATUS = 200;

/**
 * Gives each answer its request id, and tells of each request once: when it is answered, when its
 * stream has ended, or when the client is gone.
 */
export function useObservation(tell: Tell): Plugin {
  const streaming = new WeakSet<Request>();

  function end(request: Request, status: number | null, aborted: boolean): void {
    tell({ method: request.method, path: pathOf(request.url) }, notesOf(request), status, aborted);
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
        noteOperation(notesOf(context.request), result, context.params.operationName);
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
