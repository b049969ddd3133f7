import postgres from 'postgres';
import { instant } from '../../rules/identity.ts';
import { runOnQueue } from '../client/database.ts';
import type { StoreDependencies } from '../queries/dependencies.ts';

/** How many executions are marked at a time. */
const BATCH_SIZE = 1_000;
/** How many days ahead there are partitions, that of today included. */
const DAYS_AHEAD = 3;
/** The advisory lock that lets one server change partitions at a time: any number that nothing else locks. */
export const PARTITIONS_LOCK = 7_236_514_209;
/** The lock timeout of partition changes, in milliseconds: later statements queue behind a waiting one. */
const LOCK_TIMEOUT = '200';
/** The SQLSTATE of a lock timeout. */
const LOCK_NOT_AVAILABLE = '55P03';

/** Marks the events of runs that ended long ago as dropped, drops the partitions that hold only such, and adds new ones. */
export async function dropOldEvents(dependencies: StoreDependencies): Promise<void> {
  const { database, clock, eventRetention } = dependencies;
  for (;;) {
    const marked = await runOnQueue(database, async (tx) => {
      const { sql, run } = tx;
      const limit = instant((await clock(tx)) - eventRetention);
      return run(sql`UPDATE agent_graphql.executions SET dropped_seq = last_seq, events_from = NULL
        WHERE ctid = ANY(ARRAY(
          SELECT ctid FROM agent_graphql.executions WHERE events_from IS NOT NULL AND finished_at <= ${limit}
          ORDER BY finished_at LIMIT ${BATCH_SIZE} FOR UPDATE SKIP LOCKED))
        RETURNING 1`);
    });
    if (marked.length < BATCH_SIZE) break;
  }
  try {
    await changePartitions(dependencies);
  } catch (error) {
    // The next sweep tries again: a reader of all data, such as an export, holds their locks for long.
    if (!(error instanceof postgres.PostgresError) || error.code !== LOCK_NOT_AVAILABLE) throw error;
  }
}

async function changePartitions({ database, clock, eventRetention }: StoreDependencies): Promise<void> {
  await runOnQueue(database, async (tx) => {
    const { sql, run } = tx;
    const [now, [row]] = await Promise.all([
      clock(tx),
      run(sql<{ isLocked: boolean; oldest: string | null }[]>`SELECT
        (SELECT min(events_from) FROM agent_graphql.executions WHERE events_from IS NOT NULL) AS oldest,
        pg_try_advisory_xact_lock(${PARTITIONS_LOCK}::bigint) AS "isLocked",
        set_config('lock_timeout', ${LOCK_TIMEOUT}, true)`),
    ]);
    if (row?.isLocked !== true) return;
    const limit = instant(now - eventRetention);
    await Promise.all([
      run(
        sql`SELECT agent_graphql.drop_event_partitions(least(${limit}::timestamptz, ${row.oldest}::timestamptz))`,
      ),
      run(sql`SELECT agent_graphql.make_event_partitions(${instant(now).slice(0, 10)}::date, ${DAYS_AHEAD})`),
    ]);
  });
}
