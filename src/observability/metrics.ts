import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Change } from '../store/change.ts';
import type { HeldCounts } from '../store/stores.ts';
import type { CompletedRequest, RequestObserver } from './completed-request.ts';
import { isProbe } from './probes.ts';
import { createRunMetrics } from './run-metrics.ts';

/** The metrics of one server. */
export interface Metrics {
  readonly observe: RequestObserver;
  /** Sets how many resources this process holds. Default: none. Null where they are elsewhere. */
  hold(counts: HeldCounts | null): void;
  /** Counts the changes that this server has stored. */
  count(changes: readonly Change[]): void;
  /** Counts a lease that ended before its run did. */
  countLostLease(): void;
  readonly contentType: string;
  /** All metrics in Prometheus' text format. */
  text(): Promise<string>;
}

/** Upper bounds of the histogram of durations, in seconds: from a look-up in memory to the request timeout. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15];

/** What is open at a server. */
export interface OpenCounts {
  /** How many subscriptions are open. */
  readonly openSubscriptions: () => number;
  /** How many calls wait. */
  readonly openWaits: () => number;
}

/** Creates metrics in a registry of their own. Labels have few values, none of them a client's: no client can add series. */
export function createMetrics({ openSubscriptions, openWaits }: OpenCounts): Metrics {
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
  const active = new Gauge({
    name: 'agent_graphql_active_runs',
    help: 'Runs that this server holds and that have not ended.',
    labelNames: ['status'],
    registers,
  });
  const runs = createRunMetrics(registry, openWaits);
  let held: Record<Change['resource'], number> | null = null;
  function hold(counts: HeldCounts | null): void {
    resources.reset();
    active.reset();
    held = counts && { assistant: counts.assistant, thread: counts.thread, run: counts.run };
    for (const [resource, count] of Object.entries(held ?? {})) resources.set({ resource }, count);
    for (const [status, count] of Object.entries(counts?.activeRuns ?? {})) active.set({ status }, count);
  }
  hold({ assistant: 0, thread: 0, run: 0, activeRuns: { PENDING: 0, RUNNING: 0 } });

  return {
    observe(completed) {
      if (isProbe(completed.path)) return;
      const { type, outcome, code } = labelsOf(completed);
      requests.inc({ type, outcome, code });
      durations.observe({ type, outcome }, completed.duration / 1000);
    },
    hold,
    count(changes) {
      runs.count(changes);
      if (held === null) return;
      for (const change of changes) {
        const { resource, before, after } = change;
        held[resource] += (after === null ? 0 : 1) - (before === null ? 0 : 1);
        resources.set({ resource }, held[resource]);
        if (change.resource !== 'run') continue;
        if (change.before?.ended === null) active.dec({ status: change.before.status });
        if (change.after?.ended === null) active.inc({ status: change.after.status });
      }
    },
    countLostLease: runs.countLostLease,
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}

function labelsOf({ operationType, outcome, errorCode }: CompletedRequest) {
  return { type: operationType ?? 'none', outcome, code: errorCode ?? 'none' };
}
