import type { AppendedEvents, FollowedRun } from '../../execution.ts';
import { asOwner, type Owner } from '../../owner.ts';
import { isId } from '../../rules/identity.ts';
import { type Database, runOnQueue } from '../client/database.ts';
import { SnapshotReader } from '../client/snapshot-reader.ts';
import { readRuns } from './read-runs.ts';

/** The interval in which new events are looked for, in milliseconds. */
const POLL_INTERVAL = 1_000;

/** What a poll of events reads and calls. */
export interface EventPollOptions {
  /** The runs whose events are followed in this process. */
  readonly followedRuns: () => readonly FollowedRun[];
  /** Called without events when a run has new ones. */
  readonly publishEvents: (owner: Owner, appended: AppendedEvents) => void;
}

/**
 * Looks for events that no notification has announced: a server that is killed between a commit and its notification
 * sends none. One query for all runs that are followed, and none where there are none. Returns the timer.
 */
export function pollEvents(database: Database, options: EventPollOptions): NodeJS.Timeout {
  let isPolling = false;

  async function poll(): Promise<void> {
    const followed = options
      .followedRuns()
      .filter(({ id, knownSeq }) => isId(id) && Number.isFinite(knownSeq));
    if (isPolling || followed.length === 0) return;
    isPolling = true;
    try {
      const found = await readRuns(new SnapshotReader(database), await findRunsWithMore(database, followed));
      for (const { owner, run } of found) options.publishEvents(owner, { run, events: [] });
    } finally {
      isPolling = false;
    }
  }

  return setInterval(() => {
    // A failure does not matter: the next interval tries again.
    poll().catch(() => {});
  }, POLL_INTERVAL).unref();
}

/** The runs that have more events than their readers know of. */
async function findRunsWithMore(
  database: Database,
  followed: readonly FollowedRun[],
): Promise<readonly { readonly owner: Owner; readonly id: string }[]> {
  const rows = await runOnQueue(database, ({ sql, run }) =>
    run(sql<{ owner: string; id: string }[]>`SELECT executions.owner, executions.run_id AS id
      FROM json_to_recordset(${JSON.stringify(followed)}::text::json) AS followed (owner text, id uuid, "knownSeq" integer)
        JOIN agent_graphql.executions ON executions.owner = followed.owner AND executions.run_id = followed.id
      WHERE last_seq > "knownSeq"`),
  );
  return rows.map(({ owner, id }) => ({ owner: asOwner(owner), id }));
}
