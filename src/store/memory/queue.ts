import type { Owner } from '../owner.ts';
import type { ClaimRequest } from '../queue.ts';
import { type Claimant, claimRun } from '../rules/execution/claim.ts';
import { payloadBytes, MAX_CLAIM_BYTES } from '../rules/execution/claim-size.ts';
import { createRunQueue, type QueueStorage, type ClaimedRun } from '../rules/execution/run-queue.ts';
import type { RunQueue } from '../stores.ts';
import type { Database } from './database.ts';

/** The queue in memory. All methods are synchronous. */
export function createQueue(database: Database): RunQueue {
  const decide: QueueStorage['decide'] = (owner, runId, decideBy) => {
    const stored = database.partition(owner).storedRun(runId);
    if (stored === null) return null;
    const now = database.now();
    const { result, step } = decideBy(stored, now);
    if (step !== null) database.commitStep(owner, stored, step, now);
    return result;
  };

  function claim({ allOwners, graphIds, max }: ClaimRequest, claimant: Claimant): readonly ClaimedRun[] {
    const claimed: ClaimedRun[] = [];
    const graphs = [...new Set(graphIds)];
    let bytes = 0;
    while (claimed.length < max && bytes < MAX_CLAIM_BYTES) {
      const next = database.nextReady(graphs, allOwners ? null : claimant.holder);
      if (next === null) break;
      const run = claimOne(next.owner, next.run.id, claimant);
      claimed.push(run);
      bytes += payloadBytes(run);
    }
    return claimed;
  }

  function claimOne(owner: Owner, runId: string, claimant: Claimant): ClaimedRun {
    const partition = database.partition(owner);
    const stored = partition.storedRun(runId);
    const assistant = stored && partition.assistants.get(stored.run.assistantId);
    if (stored === null || assistant === null) throw new TypeError('A run in the queue is not stored.');
    const now = database.now();
    const state = claimRun(stored, claimant, assistant.version, now);
    const { input, checkpoint } = partition.payloadsOf(runId);
    const valuesRunId = partition.threads.get(stored.run.threadId)?.valuesRunId ?? null;
    const values = valuesRunId === null ? null : partition.payloadsOf(valuesRunId).output;
    database.commitStep(owner, stored, state, now);
    return { owner, state, assistant, input, values, checkpoint, now };
  }

  return createRunQueue({ tokens: database.tokens, decide, claim });
}
