import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { apiError } from '../errors.ts';
import type { Identity } from '../auth/identity.ts';
import type { Accepted, Caller, StreamType } from '../graphql/caller.ts';
import { type OperationResult, recordError, type Results } from '../graphql/operation-result.ts';
import { parseParams, type RequestParams } from '../graphql/params.ts';
import type { RunOperation } from '../graphql/run-operation.ts';
import type { ResultStream } from '../graphql/subscribe.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import { GRAPHQL_PATH } from '../lib/paths.ts';
import { beginRecord, type RequestRecord } from '../observability/request-record.ts';
import type { ReportRequest } from '../observability/request-reporter.ts';
import type { StartTrace } from '../observability/request-spans.ts';
import type { AdmitRequest } from './admission.ts';
import type { HeaderList } from './cors.ts';
import { waitForCloseEvents } from './close-events.ts';
import { acceptedTypes } from './media-types.ts';
import { assertJson, parseJson, readBody } from './read-body.ts';
import { sendResult } from './response.ts';
import { OwnRequest } from './server/own-request.ts';
import { sendStream } from './streams/send-stream.ts';

/** What the JSON handler consists of. */
export interface JsonHandlerParts {
  readonly admit: AdmitRequest;
  readonly runOperation: RunOperation;
  readonly results: Results;
  readonly report: ReportRequest;
  /** Null where requests are not traced. */
  readonly startTrace: StartTrace | null;
  /** The CORS headers of a response to an origin. */
  readonly corsHeaders: (origin: string | undefined) => HeaderList;
}

/** A request, its caller, and how it is answered: one object, for thousands of requests may wait. */
class Exchange implements Caller {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly record: RequestRecord;
  readonly accepts: Accepted;
  readonly cors: HeaderList;
  identity: Identity | null = null;
  #onDisconnect: (() => void) | null = null;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    record: RequestRecord,
    corsHeaders: JsonHandlerParts['corsHeaders'],
  ) {
    this.request = request;
    this.response = response;
    this.record = record;
    this.accepts = acceptedTypes(request.headers.accept);
    this.cors = corsHeaders(request.headers.origin);
  }

  get isReadOnly(): boolean {
    return this.request.method === 'GET';
  }

  onDisconnect(listener: (() => void) | null): void {
    this.#onDisconnect = listener;
  }

  /** Called when the response has ended, or its connection is lost. */
  closed(): void {
    const listener = this.#onDisconnect;
    this.#onDisconnect = null;
    listener?.();
  }
}

/**
 * Whether the JSON handler takes a request: every POST to the API, and a GET that accepts only a stream.
 * yoga takes all others.
 */
export function isForJsonHandler({ method, url = '', headers }: IncomingMessage): boolean {
  if (url !== GRAPHQL_PATH && !url.startsWith(`${GRAPHQL_PATH}?`)) return false;
  if (method === 'POST') return true;
  return method === 'GET' && acceptsOnlyStream(acceptedTypes(headers.accept));
}

/** Creates the handler that answers GraphQL requests over `node:http`: one result as JSON, or a stream of results. */
export function createJsonHandler(parts: JsonHandlerParts): RequestListener {
  const { admit, runOperation, results, report, startTrace, corsHeaders } = parts;

  function handle(request: IncomingMessage, response: ServerResponse): void {
    const { headers, method = 'POST' } = request;
    const trace = startTrace?.(headers) ?? null;
    const record = beginRecord(method, GRAPHQL_PATH, headers['x-request-id']?.toString(), trace);
    const exchange = new Exchange(request, response, record, corsHeaders);
    response.on('close', onClose(exchange));
    settle(
      () => admit(headers.authorization ?? null, record),
      (identity) => {
        exchange.identity = identity;
        readParams(exchange, (params) => run(exchange, params));
      },
      (error) => fail(exchange, error),
    );
  }

  /** A function of its own: its closure does not keep the headers. */
  function onClose(exchange: Exchange): () => void {
    return () => {
      const { response, record } = exchange;
      report(record, response.headersSent ? response.statusCode : null, true);
      exchange.closed();
    };
  }

  function readParams(exchange: Exchange, done: (params: RequestParams) => void): void {
    const { request, response } = exchange;
    if (response.closed) return;
    const failed = (error: unknown): void => fail(exchange, error);
    if (request.method === 'GET') return settle(() => paramsOfUrl(request.url), done, failed);
    settle(
      () => assertJson(request),
      () => readBody(request, (body) => settle(() => parseParams(parseJson(body)), done, failed), failed),
      failed,
    );
  }

  function run(exchange: Exchange, params: RequestParams): void {
    if (exchange.request instanceof OwnRequest) exchange.request.dropHeaders();
    settle(() => runOperation(params, exchange), respondTo(exchange), CLIENT_GONE);
  }

  /** A function of its own: its closure does not keep the parameters. */
  function respondTo(exchange: Exchange): (outcome: OperationResult | ResultStream) => void {
    return (outcome) => respond(exchange, outcome);
  }

  function respond(exchange: Exchange, outcome: OperationResult | ResultStream): void {
    const { response, accepts } = exchange;
    if (!('json' in outcome)) {
      if (response.closed || accepts.stream === null || accepts.stream === 'websocket') {
        return void outcome.return();
      }
      return stream(exchange, outcome, accepts.stream);
    }
    const { onUndelivered } = outcome;
    if (onUndelivered === undefined) respondWithResult(exchange, outcome);
    else void deliver(exchange, outcome, onUndelivered);
  }

  /** Responds with a result that matters only where the client reads it. */
  async function deliver(
    exchange: Exchange,
    outcome: OperationResult,
    onUndelivered: () => void,
  ): Promise<void> {
    await waitForCloseEvents();
    if (exchange.response.closed) return onUndelivered();
    reportUndelivered(exchange, onUndelivered);
    respondWithResult(exchange, outcome);
  }

  function respondWithResult(exchange: Exchange, outcome: OperationResult): void {
    const { response, record, accepts, cors } = exchange;
    if (response.closed) return;
    // A client that accepts only a stream gets a refusal as a stream.
    if (acceptsOnlyStream(accepts)) return stream(exchange, outcome, accepts.stream);
    recordError(record, outcome);
    const type = accepts.result ?? 'application/json';
    report(record, sendResult(response, outcome, type, record.requestId, cors), false);
  }

  function stream(exchange: Exchange, outcome: ResultStream | OperationResult, type: StreamType): void {
    const { response, record, cors } = exchange;
    sendStream(response, outcome, {
      type,
      caller: exchange,
      requestId: record.requestId,
      cors,
      onResult: (result) => recordError(record, result),
      onEnd: () => report(record, 200, false),
    });
  }

  function fail(exchange: Exchange, error: unknown): void {
    respond(exchange, results.failed(error, exchange.record.requestId));
  }

  return handle;
}

const CLIENT_GONE = (): void => {};

/** Calls a function where the connection is lost before the operating system has the whole response. */
function reportUndelivered({ request, response }: Exchange, onUndelivered: () => void): void {
  let isSent = false;
  response.once('finish', () => {
    // Node.js emits it also for a connection that was lost meanwhile.
    isSent = !request.socket.destroyed;
  });
  response.once('close', () => {
    if (!isSent) onUndelivered();
  });
}

/** Calls one function with the value of another, at once or later, or a third one with the error that it throws. */
function settle<T>(
  work: () => MaybePromise<T>,
  done: (value: T) => void,
  failed: (error: unknown) => void,
): void {
  let value: MaybePromise<T>;
  try {
    value = work();
  } catch (error) {
    return failed(error);
  }
  if (value instanceof Promise) void value.then(done, failed);
  else done(value);
}

function acceptsOnlyStream(accepts: Accepted): accepts is Accepted & { readonly stream: StreamType } {
  return accepts.result === null && accepts.stream !== null;
}

/** The parameters of a GET request: https://graphql.github.io/graphql-over-http/draft/#sec-GET */
function paramsOfUrl(url = ''): RequestParams {
  const params: Record<string, unknown> = {};
  for (const [name, value] of new URL(url, 'http://localhost').searchParams) {
    params[name] = name === 'variables' || name === 'extensions' ? parseParameter(value) : value;
  }
  return parseParams(params);
}

function parseParameter(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw apiError('BAD_USER_INPUT', '`variables` and `extensions` must be JSON objects.', { status: 400 });
  }
}
