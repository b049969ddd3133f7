import type { Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { Context } from '../schema/context.ts';
import type { Listening } from '../http/server/listen.ts';
import type { Change } from '../store/change.ts';
import type { Counts } from '../store/stores.ts';
import type { Observer } from './completed-request.ts';
import type { Metrics } from './metrics.ts';
import { createRequestLog, type WriteLine } from './request-log.ts';

/** All that looks on while the server works. */
export interface Observation {
  readonly observers: readonly Observer[];
  readonly tracing: readonly Plugin<Context>[];
  /** Told how much this process holds when it starts; null where the records are elsewhere. */
  hold(counts: Counts | null): void;
  /** Told of the changes that are stored. */
  count(changes: readonly Change[]): void;
  /** Serves the metrics, where there is a port for them. Rejects with the system's error where it cannot. */
  listen(): Promise<void>;
  /** Ends it, with what there still is to send. */
  close(): Promise<void>;
}

/**
 * Sets up what the configuration asks for, and reads the code of nothing else.
 * @param write writes the lines of requests
 * @param openSubscriptions how many there are now
 */
export async function observe(
  config: Pick<Config, 'host' | 'metricsPort' | 'traceEndpoint'>,
  log: Logger,
  write: WriteLine,
  openSubscriptions: () => number,
): Promise<Observation> {
  const { host, metricsPort, traceEndpoint } = config;
  const metrics = metricsPort === null ? null : await loadMetrics(openSubscriptions);
  const tracing = traceEndpoint === null ? null : await loadTracing(traceEndpoint, log);
  let server: Listening | null = null;
  return {
    observers: [createRequestLog(log, write), metrics, tracing].flatMap(observersOf),
    tracing: tracing === null ? [] : [tracing.plugin],
    hold: (counts) => metrics?.hold(counts),
    count: (changes) => metrics?.count(changes),
    async listen() {
      if (metrics === null || metricsPort === null) return;
      const { serveMetrics } = await import('../http/metrics-endpoint.ts');
      server = await serveMetrics(metrics, host, metricsPort);
      log.info({ host, port: server.port }, 'serving metrics');
    },
    async close() {
      await Promise.all([server?.close(0), tracing?.close()]);
    },
  };
}

async function loadMetrics(openSubscriptions: () => number): Promise<Metrics> {
  const { createMetrics } = await import('./metrics.ts');
  return createMetrics(openSubscriptions);
}

async function loadTracing(endpoint: URL, log: Logger) {
  const { startTracing } = await import('./tracing.ts');
  return startTracing(endpoint, (message) => log.warn({ warning: message }, 'tracing'));
}

function observersOf(observer: Observer | { readonly observe: Observer } | null): readonly Observer[] {
  if (observer === null) return [];
  return [typeof observer === 'function' ? observer : observer.observe];
}
