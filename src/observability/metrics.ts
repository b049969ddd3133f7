import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Change } from '../store/change.ts';
import type { Counts } from '../store/stores.ts';
import type { Answered, Observer } from './completed-request.ts';
import { isProbe } from './probes.ts';

/** What is counted in one server. */
export interface Metrics {
  readonly observe: Observer;
  /** Told how much this process holds when it starts, nothing unless told; null where the records are elsewhere. */
  hold(counts: Counts | null): void;
  /** Told of the changes that are stored from then on. */
  count(changes: readonly Change[]): void;
  readonly contentType: string;
  /** All of it, in Prometheus' text format. */
  text(): Promise<string>;
}

/** Upper ends of the durations' buckets, in seconds: from a look-up in memory to the longest that a request may run. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15];

/**
 * Metrics in a registry of their own. Labels have few values, all of them the server's: a client that makes up names
 * makes no new series.
 * @param openSubscriptions how many there are now
 */
export function createMetrics(openSubscriptions: () => number): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'agent_graphql_requests_total',
    help: 'Requests answered and streams ended, without probes; code is that of the first error.',
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
  function hold(counts: Counts | null): void {
    held = counts && { ...counts };
    resources.reset();
    for (const [resource, count] of Object.entries(counts ?? {})) resources.set({ resource }, count);
  }
  hold({ assistant: 0, thread: 0, run: 0 });

  return {
    observe(answered) {
      if (isProbe(answered.path)) return;
      const { type, outcome, code } = labelsOf(answered);
      requests.inc({ type, outcome, code });
      durations.observe({ type, outcome }, answered.duration / 1000);
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

function labelsOf({ operationType, outcome, errorCode }: Answered) {
  return { type: operationType ?? 'none', outcome, code: errorCode ?? 'none' };
}
