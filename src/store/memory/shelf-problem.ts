import { type Shelf, ThreadRuns } from './shelf.ts';

/** How records of one owner contradict each other, in a few words of English; null when they do not. */
export function shelfProblem(shelf: Shelf): string | null {
  for (const [threadId, runs] of shelf.runsOfThread) {
    if (shelf.threads.get(threadId) === null) return `a run's thread ${threadId} is missing`;
    if (runs.ends + runs.active !== runs.lists.size)
      return `two runs of the thread ${threadId} ended at one place`;
  }
  for (const [assistantId, runs] of shelf.runsOfAssistant) {
    if (runs.active > 0 && shelf.assistants.get(assistantId) === null) {
      return `the assistant ${assistantId} of a run that has not ended is missing`;
    }
  }
  for (const thread of shelf.threads.lists.walk({ field: 'CREATED_AT', ascending: true })) {
    const runs = shelf.runsOfThread.get(thread.id) ?? NO_RUNS;
    if (thread.status !== runs.statusAfter(null, null))
      return `the thread ${thread.id} has not the status that its runs give it`;
  }
  return null;
}

const NO_RUNS = new ThreadRuns();
