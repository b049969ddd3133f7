import type { AppendedEvents } from '../../execution.ts';
import type { Owner } from '../../owner.ts';
import type { Database } from '../client/database.ts';
import { SnapshotReader } from '../client/snapshot-reader.ts';
import type { Announced, RunRef } from './announcement.ts';
import { readRuns } from './read-runs.ts';

/** Who hears what other servers announce. */
export interface AnnouncementObserver {
  /** The name of this server: what it announces itself is ignored. */
  readonly serverId: string;
  /** Whether this process has subscribers to an owner's changes: the events of other owners are not read. */
  readonly hasSubscribers: (owner: Owner) => boolean;
  /** Called when a run may be taken. */
  readonly onReady: (owner: Owner, graphId: string) => void;
  /** Called without events when a run has new ones. */
  readonly publishEvents: (owner: Owner, appended: AppendedEvents) => void;
}

/** Delivers a notification of runs that may be taken. The runs with new events, for {@link publishRuns}. */
export function deliver(
  { serverId, onReady }: AnnouncementObserver,
  announced: Announced,
): readonly RunRef[] {
  if (announced.serverId === serverId) return [];
  if ('runs' in announced) return announced.runs;
  for (let i = 0; i < announced.count; i++) onReady(announced.owner, announced.graphId);
  return [];
}

/** Publishes that runs have new events, which are read by those who want them. */
export async function publishRuns(
  database: Database,
  { hasSubscribers, publishEvents }: AnnouncementObserver,
  refs: readonly RunRef[],
): Promise<void> {
  const wanted = refs.filter(({ owner }) => hasSubscribers(owner));
  for (const { owner, run } of await readRuns(new SnapshotReader(database), wanted)) {
    publishEvents(owner, { run, events: [] });
  }
}
