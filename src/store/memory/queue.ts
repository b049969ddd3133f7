import type { Owner } from '../owner.ts';
import type { ClaimRequest } from '../queue.ts';
import { type Claimant, claimRun } from '../rules/execution/claim.ts';
import { createRunQueue, type QueueStorage, type TakenRun } from '../run-queue.ts';
import type { RunQueue } from '../stores.ts';
import { commitStep } from './commit-step.ts';
import type { Database } from './database.ts';

/** The queue in memory. All methods are synchronous. */
export function createQueue(database: Database): RunQueue {
  const decide: QueueStorage['decide'] = (owner, runId, decideBy) => {
    const stored = database.partition(owner).storedRun(runId);
    if (stored === null) return null;
    const now = database.now();
    const { result, step } = decideBy(stored, now);
    if (step !== null) commitStep(database, owner, stored, step, now);
    return result;
  };

  /** Takes one run of each graph in turn, until there are enough or none is left. */
  function take({ allOwners, graphIds, max }: ClaimRequest, claimant: Claimant): readonly TakenRun[] {
    const taken: TakenRun[] = [];
    const of = allOwners ? null : claimant.holder;
    let graphs = [...new Set(graphIds)];
    while (graphs.length > 0 && taken.length < max) {
      const left: string[] = [];
      for (const graphId of graphs) {
        const next = taken.length < max ? database.nextReady(graphId, of) : null;
        if (next === null) continue;
        left.push(graphId);
        taken.push(...takeRun(next.owner, next.run.id, claimant));
      }
      graphs = left;
    }
    return taken;
  }

  function takeRun(owner: Owner, runId: string, claimant: Claimant): readonly TakenRun[] {
    const partition = database.partition(owner);
    const stored = partition.storedRun(runId);
    const assistant = stored && partition.assistants.get(stored.run.assistantId);
    if (stored === null || assistant === null) throw new TypeError('A run in the queue is not stored.');
    const now = database.now();
    const state = claimRun(stored, claimant, assistant.version, now);
    const { input, checkpoint } = partition.payloadsOf(runId);
    const valuesRunId = partition.threads.get(stored.run.threadId)?.valuesRunId ?? null;
    const values = valuesRunId === null ? null : partition.payloadsOf(valuesRunId).output;
    commitStep(database, owner, stored, state, now);
    return [{ owner, state, assistant, input, values, checkpoint, now }];
  }

  return createRunQueue({ tokens: database.tokens, decide, take });
}
