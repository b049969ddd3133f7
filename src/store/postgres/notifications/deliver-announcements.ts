import type { AppendedEvents } from '../../execution.ts';
import type { Owner } from '../../owner.ts';
import type { Database } from '../client/database.ts';
import { SnapshotReader } from '../client/snapshot-reader.ts';
import type { Announced, RunRef } from './announcement.ts';
import { readRuns } from './read-runs.ts';

/** The callbacks for the announcements of other servers. */
export interface AnnouncementObserver {
  /** The id of this server, whose own announcements are ignored. */
  readonly serverId: string;
  /** Whether this process has subscribers to an owner's changes: the events of other owners are not read. */
  readonly hasSubscribers: (owner: Owner) => boolean;
  /** Called when a run can be claimed. */
  readonly onReady: (owner: Owner, graphId: string) => void;
  /** Called without events when a run has new ones. */
  readonly publishEvents: (owner: Owner, appended: AppendedEvents) => void;
}

/** Delivers an announcement. @returns the runs with new events, for {@link publishRuns} */
export function deliver(
  { serverId, onReady }: AnnouncementObserver,
  announced: Announced,
): readonly RunRef[] {
  if (announced.serverId === serverId) return [];
  if ('runs' in announced) return announced.runs;
  for (let i = 0; i < announced.count; i++) onReady(announced.owner, announced.graphId);
  return [];
}

/** Publishes that runs have new events, without the events: subscribers read them. */
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
