import type { Logger } from 'pino';
import type { Change } from '../store/change.ts';
import type { HeldCounts } from '../store/stores.ts';
import type { RequestObserver } from './completed-request.ts';
import type { Metrics, OpenCounts } from './metrics.ts';
import type { StartTrace } from './request-spans.ts';

/** The log, metrics and traces of a server. */
export interface Observability {
  readonly observers: readonly RequestObserver[];
  /** Null where requests are not traced. */
  readonly startTrace: StartTrace | null;
  /** Null where there is no port for them. */
  readonly metrics: Metrics | null;
  /** Sets how many resources this process holds; null where they are elsewhere. */
  hold(counts: HeldCounts | null): void;
  /** Counts the changes that this server has stored. */
  count(changes: readonly Change[]): void;
  /** Counts a lease that ended before its run did. */
  countLostLease(): void;
  /** Sends the spans that were not sent yet. */
  close(): Promise<void>;
}

/** The configuration of metrics and traces. */
export interface ObservabilityConfig {
  /** The port of `/metrics`: 0 to 65535, where 0 is any free port; null for no metrics. */
  readonly metricsPort: number | null;
  /** The OpenTelemetry collector, over http or https; null for no traces. */
  readonly traceEndpoint: URL | null;
}

/** What to observe, and where. */
export interface ObservabilityOptions extends ObservabilityConfig, OpenCounts {
  readonly log: Logger;
  readonly requestLog: RequestObserver;
}

/** Sets up the log, and the metrics and traces where they are configured. Other modules are not loaded. */
export async function createObservability(options: ObservabilityOptions): Promise<Observability> {
  const { metricsPort, traceEndpoint, log, requestLog } = options;
  const metrics = metricsPort === null ? null : await loadMetrics(options);
  const tracing = traceEndpoint === null ? null : await loadTracing(traceEndpoint, log);
  return {
    observers: [requestLog, metrics, tracing].flatMap(observersOf),
    startTrace: tracing?.start ?? null,
    metrics,
    hold: (counts) => metrics?.hold(counts),
    count: (changes) => metrics?.count(changes),
    countLostLease: () => metrics?.countLostLease(),
    close: async () => tracing?.close(),
  };
}

async function loadMetrics(open: OpenCounts): Promise<Metrics> {
  const { createMetrics } = await import('./metrics.ts');
  return createMetrics(open);
}

async function loadTracing(endpoint: URL, log: Logger) {
  const { startTracing } = await import('./tracing.ts');
  return startTracing(endpoint, (message) => log.warn({ warning: message }, 'tracing'));
}

function observersOf(
  observer: RequestObserver | { readonly observe: RequestObserver } | null,
): readonly RequestObserver[] {
  if (observer === null) return [];
  return [typeof observer === 'function' ? observer : observer.observe];
}
