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
  const spans = new WeakMap<RequestTrace, { readonly span: Span; readonly open: Set<Span> }>();

  function start(headers: IncomingHttpHeaders): RequestTrace {
    const parent =
      headers['traceparent'] === undefined
        ? ROOT_CONTEXT
        : propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
    const span = tracer.startSpan('request', { kind: SpanKind.SERVER }, parent);
    const context = trace.setSpan(ROOT_CONTEXT, span);
    const open = new Set<Span>();

    function begin(name: string, within: Context): { readonly span: Span; end(): void } {
      const inner = tracer.startSpan(name, {}, within);
      open.add(inner);
      return {
        span: inner,
        end() {
          // The request may have been reported before: then it has ended already.
          if (open.delete(inner)) inner.end();
        },
      };
    }

    const started: RequestTrace = {
      traceId: span.spanContext().traceId,
      traceparent: traceparentOf(span),
      begin: (name) => begin(name, context).end,
      beginExecution(name, stores) {
        const execution = begin(name, context);
        const within = trace.setSpan(ROOT_CONTEXT, execution.span);
        return {
          stores: traceStores(stores, (call, work) => spanAround(begin(call, within), work)),
          end: execution.end,
        };
      },
    };
    spans.set(started, { span, open });
    return started;
  }

  return {
    start,
    observe(completed, record) {
      const traced = record.trace === null ? undefined : spans.get(record.trace);
      if (traced === undefined) return;
      // A step that has thrown has not ended its span.
      for (const span of traced.open) span.end();
      traced.open.clear();
      endRequest(traced.span, completed);
    },
  };
}

function traceparentOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

function spanAround<T>(
  { span, end }: { readonly span: Span; end(): void },
  work: () => MaybePromise<T>,
): MaybePromise<T> {
  const failed = (error: unknown): never => {
    if (span.isRecording()) {
      // Its message may contain what the client sent.
      span.setStatus({ code: SpanStatusCode.ERROR });
      span.setAttribute('error.type', error instanceof Error ? error.name : typeof error);
    }
    end();
    throw error;
  };
  const done = (value: T): T => {
    end();
    return value;
  };
  let result: MaybePromise<T>;
  try {
    result = work();
  } catch (error) {
    return failed(error);
  }
  return result instanceof Promise ? result.then(done, failed) : done(result);
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
