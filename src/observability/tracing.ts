import { diag, DiagLogLevel } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { RequestObserver } from './completed-request.ts';
import { createRequestSpans, type StartTrace } from './request-spans.ts';

/** Traces the requests of a server. */
export interface Tracing {
  /** Starts the trace of a request. */
  readonly start: StartTrace;
  /** Ends the span of a request. */
  readonly observe: RequestObserver;
  /** Sends the spans that were not sent yet, for `FLUSH_TIMEOUT` at most. */
  close(): Promise<void>;
}

/** Options of tracing. */
export interface TracingOptions {
  /** How long `close` waits for the last spans to be sent, in milliseconds. Default: 500, for the process is to end soon. */
  readonly flushTime?: number;
}

/** How much of OpenTelemetry's messages is logged, which contain whole stacks. In characters. */
const MAX_WARNING = 500;

/**
 * Traces requests, and sends the spans to a collector by OTLP in JSON. `OTEL_SERVICE_NAME`,
 * `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER`, `OTEL_EXPORTER_OTLP_HEADERS` and the `OTEL_BSP_` variables are
 * understood by the SDK.
 * @param endpoint the collector's base: spans go to `/v1/traces` below it
 * @param warn called when spans cannot be sent
 */
export function startTracing(
  endpoint: URL,
  warn: (message: string) => void,
  { flushTime = 500 }: TracingOptions = {},
): Tracing {
  const report = (message: string): void => warn(message.slice(0, MAX_WARNING));
  diag.setLogger(
    { error: report, warn: report, info: () => {}, debug: () => {}, verbose: () => {} },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  const provider = new BasicTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': 'agent-graphql' }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [
      new BatchSpanProcessor(new OTLPTraceExporter({ url: `${endpoint.href.replace(/\/$/, '')}/v1/traces` })),
    ],
  });
  return {
    ...createRequestSpans(provider.getTracer('agent-graphql')),
    close: () =>
      Promise.race([provider.shutdown().catch((cause: unknown) => report(String(cause))), passed(flushTime)]),
  };
}

function passed(time: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, time).unref();
  });
}
