import type { IncomingHttpHeaders } from 'node:http';
import {
  type Context,
  defaultTextMapGetter,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Stores } from '../store/stores.ts';
import type { CompletedRequest, RequestObserver } from './completed-request.ts';
import type { RequestTrace } from './request-record.ts';
import { traceStores } from './traced-stores.ts';

/** Starts the trace of a request, or continues that of its headers: https://www.w3.org/TR/trace-context/ */
export type StartTrace = (headers: IncomingHttpHeaders) => RequestTrace;

/**
 * Makes a span for each request, under the one that its `traceparent` names, and spans within it for parsing,
 * validating, executing, and each call of a store. There is no global context.
 */
export function createRequestSpans(tracer: Tracer): { start: StartTrace; observe: RequestObserver } {
  const propagator = new W3CTraceContextPropagator();
  return {
    start(headers) {
      const parent =
        headers['traceparent'] === undefined
          ? ROOT_CONTEXT
          : propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
      return new RequestSpans(tracer, parent);
    },
    observe(completed, { trace: spans }) {
      if (spans instanceof RequestSpans) spans.end(completed);
    },
  };
}

/** The spans of one request. A class, since each request has them: its methods are made once for all. */
class RequestSpans implements RequestTrace {
  readonly #tracer: Tracer;
  readonly #span: Span;
  readonly #context: Context;
  /** All spans within that of the request. */
  readonly #inner: Span[] = [];

  constructor(tracer: Tracer, parent: Context) {
    this.#tracer = tracer;
    this.#span = tracer.startSpan('request', { kind: SpanKind.SERVER }, parent);
    this.#context = trace.setSpan(ROOT_CONTEXT, this.#span);
  }

  get traceId(): string {
    return this.#span.spanContext().traceId;
  }

  get traceparent(): string {
    const { traceId, spanId, traceFlags } = this.#span.spanContext();
    return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  }

  begin(name: string): () => void {
    const span = this.#begin(name, this.#context);
    return () => endSpan(span);
  }

  beginExecution(name: string, stores: Stores): ReturnType<RequestTrace['beginExecution']> {
    const span = this.#begin(name, this.#context);
    const within = trace.setSpan(ROOT_CONTEXT, span);
    return {
      stores: traceStores(stores, (call, work) => spanAround(this.#begin(call, within), work)),
      end: () => endSpan(span),
    };
  }

  end(completed: CompletedRequest): void {
    // A step that has thrown has not ended its span, and a store may answer later.
    for (const span of this.#inner) endSpan(span);
    endRequest(this.#span, completed);
  }

  #begin(name: string, within: Context): Span {
    const span = this.#tracer.startSpan(name, NO_OPTIONS, within);
    this.#inner.push(span);
    return span;
  }
}

const NO_OPTIONS = {};

/** Ends a span, unless it has ended with its request. */
function endSpan(span: Span): void {
  if (span.isRecording()) span.end();
}

function spanAround<T>(span: Span, work: () => MaybePromise<T>): MaybePromise<T> {
  let result: MaybePromise<T>;
  try {
    result = work();
  } catch (error) {
    return endFailed(span, error);
  }
  if (result instanceof Promise) return endLater(span, result);
  endSpan(span);
  return result;
}

async function endLater<T>(span: Span, result: Promise<T>): Promise<T> {
  try {
    const value = await result;
    endSpan(span);
    return value;
  } catch (error) {
    return endFailed(span, error);
  }
}

function endFailed(span: Span, error: unknown): never {
  if (span.isRecording()) {
    // Its message may contain what the client sent.
    span.setStatus({ code: SpanStatusCode.ERROR });
    span.setAttribute('error.type', error instanceof Error ? error.name : typeof error);
    span.end();
  }
  throw error;
}

/** Names of attributes: https://opentelemetry.io/docs/specs/semconv/ */
function endRequest(span: Span, completed: CompletedRequest): void {
  const { method, path, operationType, operationName } = completed;
  span.updateName(operationType === null ? `${method} ${path}` : `${method} ${path} ${operationType}`);
  span.setAttributes({
    'http.request.method': method,
    'url.path': path,
    'agent_graphql.request_id': completed.requestId,
    'agent_graphql.outcome': completed.outcome,
    ...(completed.status !== null && { 'http.response.status_code': completed.status }),
    ...(operationType !== null && { 'graphql.operation.type': operationType }),
    ...(operationName !== null && { 'graphql.operation.name': operationName }),
    ...(completed.errorCode !== null && { 'error.type': completed.errorCode }),
  });
  if (completed.outcome === 'error') span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}
