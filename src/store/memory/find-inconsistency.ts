import type { OwnerPartition } from './owner-partition.ts';
import { ThreadRuns } from './run-group.ts';

/** The first inconsistency among the records of an owner, as part of an error message; null where there is none. */
export function findInconsistency(partition: OwnerPartition): string | null {
  for (const [threadId, runs] of partition.runsOfThread) {
    if (partition.threads.get(threadId) === null) return `a run's thread ${threadId} is missing`;
    if (runs.distinctEnded + runs.active !== runs.index.size)
      return `two runs of the thread ${threadId} have the same \`ended\``;
  }
  for (const [assistantId, runs] of partition.runsOfAssistant) {
    if (runs.active > 0 && partition.assistants.get(assistantId) === null) {
      return `the assistant ${assistantId} of a run that has not ended is missing`;
    }
  }
  for (const thread of partition.threads.index.scan({ field: 'CREATED_AT', ascending: true })) {
    const runs = partition.runsOfThread.get(thread.id) ?? NO_RUNS;
    const { status } = runs.stateAfter(null, null, null);
    if (thread.status !== status) {
      return `the thread ${thread.id} is ${thread.status}, but its runs require ${status}`;
    }
    const valuesRunId = runs.lastWithOutput(null);
    if (thread.valuesRunId !== valuesRunId) {
      return `the thread ${thread.id} has the values of another run than its runs require`;
    }
  }
  return null;
}

const NO_RUNS = new ThreadRuns();
