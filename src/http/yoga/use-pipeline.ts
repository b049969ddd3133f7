import { type ExecutionResult, GraphQLError } from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';
import type { Identity } from '../../auth/identity.ts';
import { apiError } from '../../errors.ts';
import { type OperationResult, recordError, type Results } from '../../graphql/operation-result.ts';
import { parseParams } from '../../graphql/params.ts';
import type { RunOperation } from '../../graphql/run-operation.ts';
import { andThen } from '../../lib/maybe-promise.ts';
import type { RequestRecord } from '../../observability/request-record.ts';
import type { AdmitRequest } from '../admission.ts';
import { acceptedTypes } from '../media-types.ts';
import { headOf } from '../response.ts';

/** What connects yoga with the pipeline. */
export interface PipelinePluginParts {
  readonly admit: AdmitRequest;
  readonly runOperation: RunOperation;
  readonly results: Results;
}

/** Runs the operations of GET requests in the pipeline, in place of yoga's own parsing, validation and execution. */
export function usePipeline({
  admit,
  runOperation,
  results,
}: PipelinePluginParts): Plugin<object, { readonly record: RequestRecord }> {
  const identities = new WeakMap<Request, Identity>();
  const outcomes = new WeakMap<object, OperationResult>();
  return {
    onRequestParse({ request, requestParser, setRequestParser, serverContext: { record } }) {
      if (request.method === 'GET' && requestParser !== undefined) {
        setRequestParser((get) => parseGet(() => requestParser(get)));
      }
      return andThen(admit(request.headers.get('authorization'), record), (identity) => {
        if (identity !== null) identities.set(request, identity);
      });
    },
    onParams({ request, params, setParams, setParamsHandler }) {
      const parsed = parseParams(params);
      // yoga insists on a text where there is only a hash.
      setParams({ ...params, query: params.query ?? '' });
      setParamsHandler(async ({ context: { record } }) => {
        let onAbort: (() => void) | null = null;
        const running = runOperation(parsed, {
          identity: identities.get(request) ?? null,
          record,
          isReadOnly: true,
          // The JSON handler takes the GET requests that accept only a stream.
          accepts: { ...acceptedTypes(request.headers.get('accept') ?? undefined), stream: null },
          onDisconnect(listener) {
            if (onAbort !== null) request.signal.removeEventListener('abort', onAbort);
            if (listener !== null) request.signal.addEventListener('abort', listener, { once: true });
            onAbort = listener;
          },
        });
        // It is rejected when the client has gone.
        const outcome = running instanceof Promise ? await running.catch(() => null) : running;
        if (outcome === null) return UNREAD;
        if (!('json' in outcome)) throw new TypeError('A stream was not accepted.');
        // yoga only gives it back, to be processed.
        const result: ExecutionResult = {};
        outcomes.set(result, outcome);
        return result;
      });
    },
    onResultProcess({ request, result, serverContext: { record }, setResultProcessor }) {
      const outcome =
        outcomes.get(result) ?? results.failed(new AggregateError(errorsOf(result)), record.requestId);
      const type = acceptedTypes(request.headers.get('accept') ?? undefined).result ?? 'application/json';
      recordError(record, outcome);
      setResultProcessor((_, fetchAPI) => {
        const { status, headers } = headOf(outcome, type);
        const response = new fetchAPI.Response(Buffer.from(outcome.json, 'latin1'), {
          status,
          headers: { 'Content-Type': `${type}; charset=utf-8` },
        });
        for (let i = 0; i < headers.length; i += 2)
          response.headers.set(headers[i] ?? '', headers[i + 1] ?? '');
        return response;
      }, type);
    },
  };
}

/** The result for a client that has gone. */
const UNREAD: ExecutionResult = {};

/** Keeps an error as the original of a GraphQL error: `usePipeline` makes it public. */
export function asGraphQLError(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error;
  const originalError = error instanceof Error ? error : new Error('No error was thrown.', { cause: error });
  return new GraphQLError('Unexpected error.', { originalError });
}

function parseGet<T>(parse: () => T): T {
  try {
    return parse();
  } catch {
    throw apiError('BAD_USER_INPUT', '`variables` and `extensions` must be JSON objects.', { status: 400 });
  }
}

/** The errors of yoga itself. */
function errorsOf(result: unknown): readonly unknown[] {
  return isExecutionResult(result) ? (result.errors ?? []) : [];
}

function isExecutionResult(result: unknown): result is ExecutionResult {
  return typeof result === 'object' && result !== null && !Array.isArray(result) && !isAsyncIterable(result);
}
