import { asOwner, type Owner } from '../../owner.ts';
import { applyDeadline } from '../../rules/execution/deadlines.ts';
import { instant } from '../../rules/identity.ts';
import { runOnQueue } from '../client/database.ts';
import { Announcements } from '../notifications/announcer.ts';
import { CHANNEL } from '../notifications/change-log.ts';
import type { StoreDependencies } from '../queries/dependencies.ts';
import { lockRun } from '../queries/locks.ts';
import { noChanges, runMutation } from '../queries/run-mutation.ts';
import { setDue } from '../tables/executions.ts';
import { dropOldEvents } from './old-events.ts';
import { planStep } from '../queries/plan-step.ts';

/** How many rows are read at a time. */
const BATCH_SIZE = 200;
/** How many runs are moved at the same time. */
const CONCURRENCY = 4;
/** The interval at which old events are dropped, in milliseconds. */
const EVENTS_INTERVAL = 60_000;

/** Does what is due in the queue. */
export interface Sweeper {
  /** Does all that is due now, after a sweep that runs already. */
  sweep(): Promise<void>;
  /** Resolves when no sweep runs, and none will. */
  close(): Promise<void>;
}

/** A sweeper that also sweeps by itself. @param interval in milliseconds; null for never */
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
      await moveDue(dependencies, () => isClosed);
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

/** Lets runs be taken whose time has come. Their threads need no lock: what is next stays so. */
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

/** Moves runs whose lease has ended, whose cancellation is overdue, or whose time is up. */
async function moveDue(dependencies: StoreDependencies, isClosed: () => boolean): Promise<void> {
  for (;;) {
    const due = await runOnQueue(dependencies.database, async (tx) => {
      const { sql, run } = tx;
      const now = instant(await dependencies.clock(tx));
      return run(sql<{ owner: string; id: string }[]>`SELECT owner, run_id AS id FROM agent_graphql.executions
        WHERE due_at <= ${now} ORDER BY due_at LIMIT ${BATCH_SIZE}`);
    });
    let moved = 0;
    const rest = due.values();
    const moveRest = async (): Promise<void> => {
      for (const { owner, id } of rest) {
        if (isClosed()) return;
        if (await moveOne(dependencies, asOwner(owner), id)) moved++;
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, moveRest));
    // What was moved may be due again: once its lease has ended, its time may be up as well.
    if (moved === 0) return;
  }
}

/** Does what is due about a run. Whether it was looked at: not where another transaction has it. */
async function moveOne(dependencies: StoreDependencies, owner: Owner, id: string): Promise<boolean> {
  return runMutation<boolean>(dependencies, owner, async (tx, announcements) => {
    const locked = await lockRun(tx, owner, id, dependencies.clock, 'FOR UPDATE SKIP LOCKED');
    if (locked === null) return noChanges(false);
    const { stored, now } = locked;
    const step = applyDeadline(stored, now);
    if (step === null) return { outcome: true, changes: [], store: () => setDue(tx, owner, stored) };
    return { outcome: true, ...planStep(dependencies, tx, announcements, owner, locked, step) };
  });
}
