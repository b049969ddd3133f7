import type { Mutation } from '../detail.ts';
import type { AppendedEvents } from '../execution.ts';
import type { OwnerPartition } from './owner-partition.ts';

/** The events that a mutation has appended, to be published. */
export function appendedEvents(partition: OwnerPartition, { events }: Mutation): readonly AppendedEvents[] {
  return events.flatMap(({ runId, appended }) => {
    const run = partition.runs.get(runId);
    return appended === null || run === null ? [] : [{ run, events: appended }];
  });
}
