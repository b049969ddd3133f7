import type { Owner } from '../../../src/store/owner.ts';
import type { Claim } from '../../../src/store/queue.ts';
import type { NewRun } from '../../../src/store/records.ts';
import type { Stores } from '../../../src/store/stores.ts';
import { valueOf } from '../../support/bench.ts';
import { makeAssistant } from '../../support/records.ts';
import { append, claimNew, claimOne, enqueue, finish, saveCheckpoint } from '../../support/worker.ts';

/** The ids of runs in every state that workers can bring one to. */
export interface ExecutedRuns {
  /** The thread of those that are not on one of their own. */
  readonly threadId: string;
  /** It succeeded in its second attempt. */
  readonly succeeded: string;
  /** It was interrupted, and was answered. */
  readonly interrupted: string;
  readonly failed: string;
  readonly rolledBack: string;
  /** A worker holds it, with 60 s to go. */
  readonly held: string;
  readonly lease: string;
  /** A worker holds it, and was told to stop. */
  readonly cancelling: string;
  /** It is tried again after 60 s. */
  readonly retried: string;
  readonly waiting: string;
  /** It may begin after an hour. */
  readonly delayed: string;
}

const FAILURE = { code: 'E', message: 'Failed.' };

/** Makes runs of an owner in every state that workers can bring one to. */
export async function makeExecutedRuns(
  stores: Stores,
  owner: Owner,
  pass: (seconds: number) => Promise<void>,
): Promise<ExecutedRuns> {
  const { id: assistantId } = await makeAssistant(stores, owner, { idempotencyKey: 'assistant' });
  const { id: threadId } = valueOf(await stores.threads.create(owner, { idempotencyKey: 'thread' }));
  const on = { threadId, assistantId };
  const { runs } = stores;

  const succeeded = await enqueue(stores, owner, {
    ...on,
    input: { n: 1 },
    idempotencyKey: 'run',
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  });
  const first = await claimOne(stores, owner);
  await append(stores, owner, first.lease, 0, ['ONE', 'TWO']);
  await saveCheckpoint(stores, owner, first.lease, { at: 1 });
  await finish(stores, owner, first.lease, { status: 'ERROR', error: FAILURE, retry: true });
  await pass(1);
  const second = await claimOne(stores, owner, { name: 'second' });
  await append(stores, owner, second.lease, 0, ['THREE']);
  await finish(stores, owner, second.lease, { output: { z: 1, a: { 10: '\u2028', 9: [0.1] } } });

  const interrupted = await enqueue(stores, owner, on);
  const asking = await claimOne(stores, owner);
  await saveCheckpoint(stores, owner, asking.lease, { asked: true });
  await finish(stores, owner, asking.lease, { status: 'INTERRUPTED', interrupt: { question: '?' } });
  const later = { threadId, assistantId: (await makeAssistant(stores, owner, { graphId: 'later' })).id };
  const waiting = await enqueue(stores, owner, { ...later, resumes: interrupted.id, input: { answer: '!' } });
  const delayed = await enqueue(stores, owner, { ...later, delaySeconds: 3_600 });

  const failed = await start(stores, owner, { assistantId, maxAttempts: 1 });
  await pass(31);
  const rolledBack = await start(stores, owner, { assistantId });
  await runs.cancel(owner, rolledBack.run.id, 'ROLLBACK');
  await pass(16);
  const retried = await start(stores, owner, { assistantId });
  const end = { status: 'ERROR', error: FAILURE, retry: true, retryAfterSeconds: 60 } as const;
  await finish(stores, owner, retried.lease, end);
  const cancelling = await start(stores, owner, { assistantId });
  await runs.cancel(owner, cancelling.run.id, 'INTERRUPT');
  const held = await start(stores, owner, { assistantId, timeoutSeconds: 3_600 }, 60);
  return {
    threadId,
    succeeded: succeeded.id,
    interrupted: interrupted.id,
    failed: failed.run.id,
    rolledBack: rolledBack.run.id,
    held: held.run.id,
    lease: held.lease,
    cancelling: cancelling.run.id,
    retried: retried.run.id,
    waiting: waiting.id,
    delayed: delayed.id,
  };
}

/** A run that a worker holds, with an event and a checkpoint of that worker's. */
async function start(
  stores: Stores,
  owner: Owner,
  input: Partial<NewRun>,
  leaseSeconds = 30,
): Promise<Claim> {
  const given = await claimNew(stores, owner, input, { leaseSeconds });
  await append(stores, owner, given.lease, 0, ['WORKING']);
  await saveCheckpoint(stores, owner, given.lease, { at: 1 });
  return given;
}
