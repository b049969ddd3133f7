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
import type { Plugin } from 'graphql-yoga';
import type { Context as ApiContext } from '../schema/context.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Answered, Observer } from './completed-request.ts';
import { type Notes, notesOf } from './request-record.ts';
import { isProbe } from './probes.ts';
import { type InSpan, traceStores } from './traced-stores.ts';

/** The spans of one request: its own, and those within it that have not ended. */
interface RequestTrace {
  readonly span: Span;
  readonly context: Context;
  readonly open: Set<Span>;
}

/**
 * Makes a span for each request but probes, under the one that its `traceparent` names, and spans within it for parsing,
 * validating, executing, and each call of a store. The context goes from hand to hand: there is no global one.
 */
export function createRequestSpans(tracer: Tracer): { plugin: Plugin<ApiContext>; observe: Observer } {
  const propagator = new W3CTraceContextPropagator();
  const traces = new WeakMap<Notes, RequestTrace>();

  function begin(name: string, request: Request, parent?: Context): { span: Span; end: () => void } {
    const within = traces.get(notesOf(request));
    const span = tracer.startSpan(name, {}, parent ?? within?.context ?? ROOT_CONTEXT);
    within?.open.add(span);
    return {
      span,
      end() {
        within?.open.delete(span);
        span.end();
      },
    };
  }

  /** Executes with stores whose spans are within that of the execution. */
  function beginExecution(name: string, request: Request, stores: ApiContext['stores']) {
    const { span, end } = begin(name, request);
    const context = trace.setSpan(ROOT_CONTEXT, span);
    const inSpan: InSpan = (call, work) => around(begin(call, request, context), work);
    return { end, stores: traceStores(stores, inSpan) };
  }

  const plugin: Plugin<ApiContext> = {
    onRequest({ request, url }) {
      if (isProbe(url.pathname)) return;
      const headers = {
        traceparent: request.headers.get('traceparent') ?? undefined,
        tracestate: request.headers.get('tracestate') ?? undefined,
      };
      const parent = propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
      const span = tracer.startSpan('request', { kind: SpanKind.SERVER }, parent);
      const notes = notesOf(request);
      traces.set(notes, { span, context: trace.setSpan(ROOT_CONTEXT, span), open: new Set() });
      notes.traceId = span.spanContext().traceId;
    },
    onParse({ context }) {
      return begin('graphql.parse', context.request).end;
    },
    onValidate({ context }) {
      return begin('graphql.validate', context.request).end;
    },
    onExecute({ context, extendContext }) {
      const { end, stores } = beginExecution('graphql.execute', context.request, context.stores);
      extendContext({ stores });
      return { onExecuteDone: end };
    },
    onSubscribe({ context, extendContext }) {
      const { end, stores } = beginExecution('graphql.subscribe', context.request, context.stores);
      extendContext({ stores });
      return { onSubscribeResult: end };
    },
  };

  return {
    plugin,
    observe(answered, notes) {
      const traced = traces.get(notes);
      if (traced === undefined) return;
      // A step that threw was not told to be over.
      for (const span of traced.open) span.end();
      traced.open.clear();
      finish(traced.span, answered);
    },
  };
}

function around<T>(
  { span, end }: { readonly span: Span; readonly end: () => void },
  work: () => MaybePromise<T>,
): MaybePromise<T> {
  const failed = (error: unknown): never => {
    // Its message may hold what the client sent.
    span.setStatus({ code: SpanStatusCode.ERROR });
    span.setAttribute('error.type', error instanceof Error ? error.name : typeof error);
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
function finish(span: Span, answered: Answered): void {
  const { method, path, operationType, operationName } = answered;
  span.updateName(operationType === null ? `${method} ${path}` : `${method} ${path} ${operationType}`);
  span.setAttributes({
    'http.request.method': method,
    'url.path': path,
    'agent_graphql.request_id': answered.requestId,
    'agent_graphql.outcome': answered.outcome,
    ...(answered.status !== null && { 'http.response.status_code': answered.status }),
    ...(operationType !== null && { 'graphql.operation.type': operationType }),
    ...(operationName !== null && { 'graphql.operation.name': operationName }),
    ...(answered.errorCode !== null && { 'error.type': answered.errorCode }),
  });
  if (answered.outcome === 'error') span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}
