import { diag, DiagLogLevel } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { Plugin } from 'graphql-yoga';
import type { Context } from '../schema/context.ts';
import type { Observer } from './completed-request.ts';
import { createRequestSpans } from './request-spans.ts';

/** What traces the requests of a server. */
export interface Tracing {
  readonly plugin: Plugin<Context>;
  /** Ends the span of a request. */
  readonly observe: Observer;
  /** Sends what was not sent yet, if that does not take too long. */
  close(): Promise<void>;
}

/** How long the last spans may take to the collector at shutdown, in milliseconds: the process is to end soon. */
const FLUSH_PATIENCE = 500;
/** OpenTelemetry's messages hold whole stacks. In characters. */
const MAX_WARNING = 500;

/**
 * Traces requests, and sends the spans to a collector by OTLP in JSON. `OTEL_SERVICE_NAME`,
 * `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER`, `OTEL_EXPORTER_OTLP_HEADERS` and the `OTEL_BSP_` variables are
 * understood by the SDK.
 * @param endpoint the collector's base: spans go to `/v1/traces` below it
 * @param warn told when spans cannot be sent
 */
export function startTracing(endpoint: URL, warn: (message: string) => void): Tracing {
  const tell = (message: string): void => warn(message.slice(0, MAX_WARNING));
  diag.setLogger(
    { error: tell, warn: tell, info: () => {}, debug: () => {}, verbose: () => {} },
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
      Promise.race([provider.shutdown().catch((cause: unknown) => tell(String(cause))), patience()]),
  };
}

function patience(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, FLUSH_PATIENCE).unref();
  });
}
