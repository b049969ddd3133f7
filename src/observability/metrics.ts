import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Change } from '../store/change.ts';
import type { RecordCounts } from '../store/stores.ts';
import type { CompletedRequest, RequestObserver } from './completed-request.ts';
import { isProbe } from './probes.ts';

/** The metrics of one server. */
export interface Metrics {
  readonly observe: RequestObserver;
  /** Sets how many resources this process holds. Default: none. Null where they are elsewhere. */
  hold(counts: RecordCounts | null): void;
  /** Counts stored changes. */
  count(changes: readonly Change[]): void;
  readonly contentType: string;
  /** All metrics in Prometheus' text format. */
  text(): Promise<string>;
}

/** Upper bounds of the histogram of durations, in seconds: from a look-up in memory to the request timeout. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15];

/**
 * Creates metrics in a registry of their own. Labels have few values, none of them a client's: no client can add series.
 * @param openSubscriptions returns how many subscriptions are open
 */
export function createMetrics(openSubscriptions: () => number): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'agent_graphql_requests_total',
    help: 'Requests completed and streams ended, without probes; code is that of the first error.',
    labelNames: ['type', 'outcome', 'code'],
    registers,
  });
  const durations = new Histogram({
    name: 'agent_graphql_request_duration_seconds',
    help: 'How long requests took until their answer was ready; how long streams were open.',
    labelNames: ['type', 'outcome'],
    buckets: BUCKETS,
    registers,
  });
  const open: Gauge = new Gauge({
    name: 'agent_graphql_open_subscriptions',
    help: 'Subscriptions that are open.',
    registers,
    collect: () => open.set(openSubscriptions()),
  });
  const resources = new Gauge({
    name: 'agent_graphql_resources',
    help: 'Resources that this server holds.',
    labelNames: ['resource'],
    registers,
  });
  let held: Record<Change['resource'], number> | null = null;
  function hold(counts: RecordCounts | null): void {
    held = counts && { ...counts };
    resources.reset();
    for (const [resource, count] of Object.entries(counts ?? {})) resources.set({ resource }, count);
  }
  hold({ assistant: 0, thread: 0, run: 0 });

  return {
    observe(completed) {
      if (isProbe(completed.path)) return;
      const { type, outcome, code } = labelsOf(completed);
      requests.inc({ type, outcome, code });
      durations.observe({ type, outcome }, completed.duration / 1000);
    },
    hold,
    count(changes) {
      if (held === null) return;
      for (const { resource, before, after } of changes) {
        held[resource] += (after === null ? 0 : 1) - (before === null ? 0 : 1);
        resources.set({ resource }, held[resource]);
      }
    },
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}

function labelsOf({ operationType, outcome, errorCode }: CompletedRequest) {
  return { type: operationType ?? 'none', outcome, code: errorCode ?? 'none' };
}
