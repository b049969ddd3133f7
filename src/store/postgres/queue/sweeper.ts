import { asOwner, type Owner } from '../../owner.ts';
import { applyDeadline } from '../../rules/execution/deadlines.ts';
import { instant } from '../../rules/identity.ts';
import { runOnQueue } from '../client/database.ts';
import { Announcements } from '../notifications/announcer.ts';
import { CHANNEL } from '../notifications/change-log.ts';
import type { StoreDependencies } from '../queries/dependencies.ts';
import { lockRun } from '../queries/lock-runs.ts';
import { noChanges, runMutation } from '../queries/run-mutation.ts';
import { setDue } from '../tables/executions.ts';
import { dropOldEvents } from './old-events.ts';
import { planStep } from '../queries/plan-step.ts';

/** How many rows are read at a time. */
const BATCH_SIZE = 200;
/** How many runs are handled at the same time. */
const CONCURRENCY = 4;
/** The interval at which old events are dropped, in milliseconds. */
const EVENTS_INTERVAL = 60_000;

/** Handles what is due in the queue: delays, deadlines and old events. */
export interface Sweeper {
  /** Sweeps once, after a sweep that is running already. */
  sweep(): Promise<void>;
  /** Resolves when no sweep runs, and none will. */
  close(): Promise<void>;
}

/** Creates a sweeper. @param interval of its own sweeps, in milliseconds; null for none */
export function createSweeper(dependencies: StoreDependencies, interval: number | null): Sweeper {
  let running: Promise<void> = Promise.resolve();
  let isRunning = false;
  let eventsSweptAt = Number.NEGATIVE_INFINITY;
  let isClosed = false;

  async function sweepOnce(withEvents: boolean): Promise<void> {
    if (isClosed) return;
    isRunning = true;
    try {
      await wakeDelayed(dependencies);
      await applyDeadlines(dependencies, () => isClosed);
      if (!withEvents) return;
      eventsSweptAt = performance.now();
      await dropOldEvents(dependencies);
    } finally {
      isRunning = false;
    }
  }

  function enqueue(withEvents: boolean): Promise<void> {
    const swept = running.then(() => sweepOnce(withEvents));
    running = swept.catch(() => {});
    return swept;
  }

  const timer =
    interval === null
      ? undefined
      : setInterval(() => {
          if (isRunning) return;
          // A failure does not matter: the next interval tries again.
          enqueue(performance.now() - eventsSweptAt >= EVENTS_INTERVAL).catch(() => {});
        }, interval).unref();

  return {
    sweep: () => enqueue(true),
    async close() {
      isClosed = true;
      clearInterval(timer);
      await running;
    },
  };
}

/** Makes delayed runs claimable whose `availableAt` has come. No thread is locked: the head of its queue stays the same. */
async function wakeDelayed({ database, announcer, clock }: StoreDependencies): Promise<void> {
  for (;;) {
    const announcements = new Announcements();
    const woken = await runOnQueue(database, async (tx) => {
      const { sql, run } = tx;
      const now = instant(await clock(tx));
      return run(sql<{ owner: string; graphId: string; count: number }[]>`WITH woken AS (
          UPDATE agent_graphql.executions SET head = 'READY' WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM agent_graphql.executions WHERE head = 'DELAYED' AND available_at <= ${now}
            ORDER BY available_at LIMIT ${BATCH_SIZE} FOR UPDATE SKIP LOCKED))
          RETURNING owner, graph_id
        ), graphs AS (SELECT owner, graph_id, count(*)::integer AS count FROM woken GROUP BY owner, graph_id)
        SELECT owner, graph_id AS "graphId", count,
          pg_notify(${CHANNEL}, json_build_array('ready', ${announcer.serverId}::text, owner, graph_id, count)::text)
        FROM graphs`);
    });
    announcements.ready.push(...woken.map((graph) => ({ ...graph, owner: asOwner(graph.owner) })));
    announcer.announce(announcements);
    if (woken.reduce((sum, { count }) => sum + count, 0) < BATCH_SIZE) return;
  }
}

/** Applies the deadlines of runs that have passed. */
async function applyDeadlines(dependencies: StoreDependencies, isClosed: () => boolean): Promise<void> {
  for (;;) {
    const due = await runOnQueue(dependencies.database, async (tx) => {
      const { sql, run } = tx;
      const now = instant(await dependencies.clock(tx));
      return run(sql<{ owner: string; id: string }[]>`SELECT owner, run_id AS id FROM agent_graphql.executions
        WHERE due_at <= ${now} ORDER BY due_at LIMIT ${BATCH_SIZE}`);
    });
    let applied = 0;
    const rest = due.values();
    const applyRest = async (): Promise<void> => {
      for (const { owner, id } of rest) {
        if (isClosed()) return;
        if (await applyOne(dependencies, asOwner(owner), id)) applied++;
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, applyRest));
    // Another deadline of the same run may have passed as well.
    if (applied === 0) return;
  }
}

/** Applies the deadline of a run. Returns false where another transaction has locked it. */
async function applyOne(dependencies: StoreDependencies, owner: Owner, id: string): Promise<boolean> {
  return runMutation<boolean>(dependencies, owner, async (tx, announcements) => {
    const locked = await lockRun(tx, owner, id, dependencies.clock, 'FOR UPDATE SKIP LOCKED');
    if (locked === null) return noChanges(false);
    const { stored, now } = locked;
    const step = applyDeadline(stored, now);
    if (step === null) return { outcome: true, changes: [], store: () => setDue(tx, owner, stored) };
    return {
      outcome: true,
      insertsOnly: true,
      ...planStep(dependencies, tx, announcements, owner, locked, step),
    };
  });
}
