import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Change } from '../store/change.ts';
import type { Run } from '../store/records.ts';

/** The metrics of the execution of runs. */
export interface RunMetrics {
  /** Counts the changes of runs that this server has stored. */
  count(changes: readonly Change[]): void;
  /** Counts a lease that ended before its run did. */
  countLostLease(): void;
}

/** Upper bounds of the histogram of waits, in seconds: from a worker that was waiting to a queue of a day. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15, 60, 300, 3_600, 86_400];

/** Adds the metrics to a registry. @param openWaits returns how many calls wait */
export function createRunMetrics(registry: Registry, openWaits: () => number): RunMetrics {
  const registers = [registry];
  const claims = new Counter({
    name: 'agent_graphql_claims_total',
    help: 'Attempts that workers have begun at this server.',
    registers,
  });
  const waits = new Histogram({
    name: 'agent_graphql_run_wait_seconds',
    help: 'How long runs waited for their first attempt, from when they could begin.',
    buckets: BUCKETS,
    registers,
  });
  const ended = new Counter({
    name: 'agent_graphql_runs_ended_total',
    help: 'Runs that have ended at this server.',
    labelNames: ['status'],
    registers,
  });
  const lost = new Counter({
    name: 'agent_graphql_leases_lost_total',
    help: 'Leases that ended before their runs did, as far as this server has noticed it.',
    registers,
  });
  const open: Gauge = new Gauge({
    name: 'agent_graphql_open_waits',
    help: 'Calls that wait: claims, heartbeats, and those for the end of a run.',
    registers,
    collect: () => open.set(openWaits()),
  });

  return {
    count(changes) {
      for (const change of changes) {
        if (change.resource !== 'run') continue;
        const { before, after } = change;
        if (before === null || after === null) continue;
        if (before.ended === null && after.ended !== null) ended.inc({ status: after.status });
        if (after.attempt <= before.attempt) continue;
        claims.inc();
        if (before.attempt === 0 && before.startedAt === null) waits.observe(waitOf(before, after));
      }
    },
    countLostLease: () => lost.inc(),
  };
}

function waitOf({ availableAt, createdAt }: Run, { startedAt }: Run): number {
  return Math.max(0, Date.parse(startedAt ?? createdAt) - Date.parse(availableAt ?? createdAt)) / 1_000;
}
