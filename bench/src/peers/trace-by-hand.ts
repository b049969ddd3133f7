import { type Context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { andThen, type MaybePromise } from '../../../dist/lib/maybe-promise.js';
import type { Stores } from '../../../dist/store/stores.js';
import type { ServeByHandOptions } from './serve-by-hand.ts';

/**
 * Traces requests by hand: a span for each request, and one within it for each call of a store. The SDK, its batches
 * and its exporter are those of this server. `OTEL_EXPORTER_OTLP_ENDPOINT` names the collector.
 */
export function traceByHand(): NonNullable<ServeByHandOptions['trace']> {
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'rest' }),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  const tracer = provider.getTracer('rest');
  return ({ method, url }, response, stores) => {
    const span = tracer.startSpan(`${method} ${url}`, { kind: SpanKind.SERVER }, ROOT_CONTEXT);
    span.setAttributes({ 'http.request.method': method ?? '', 'url.path': url ?? '' });
    response.once('finish', () => {
      span.setAttribute('http.response.status_code', response.statusCode);
      if (response.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    });
    return traced(stores, tracer, trace.setSpan(ROOT_CONTEXT, span));
  };
}

/** Stores with a span around each call that the endpoints make. */
function traced({ assistants, threads, runs, queue }: Stores, tracer: Tracer, within: Context): Stores {
  function inSpan<T>(name: string, work: () => MaybePromise<T>): MaybePromise<T> {
    const span = tracer.startSpan(name, {}, within);
    return andThen(work(), (value) => {
      span.end();
      return value;
    });
  }
  return {
    assistants: {
      ...assistants,
      get: (owner, id) => inSpan('assistants.get', () => assistants.get(owner, id)),
    },
    threads: {
      ...threads,
      list: (owner, query) => inSpan('threads.list', () => threads.list(owner, query)),
      create: (owner, input) => inSpan('threads.create', () => threads.create(owner, input)),
    },
    runs: { ...runs, list: (owner, query) => inSpan('runs.list', () => runs.list(owner, query)) },
    queue,
  };
}
