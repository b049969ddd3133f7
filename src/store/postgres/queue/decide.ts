import type { Owner } from '../../owner.ts';
import { StoreUnavailable } from '../../unavailable.ts';
import type { CallBatches } from '../client/call-batches.ts';
import { decideTogether, type RunCall } from './decide-together.ts';
import type { Decide, QueueStorage } from '../../rules/execution/run-queue.ts';
import type { StoreDependencies } from '../queries/dependencies.ts';
import { lockRun } from '../queries/lock-runs.ts';
import { readRun } from '../queries/locks.ts';
import { noChanges, runMutation } from '../queries/run-mutation.ts';
import { lockExecution } from '../tables/executions.ts';
import { announceEvents, changeOf, planStep } from '../queries/plan-step.ts';
import { affectsThread, storeSteps } from '../tables/store-steps.ts';

/** A decision; `needsThread` where the thread has to be locked for it. */
type Decided<T> = { readonly result: T | null } | 'needsThread';

/** The calls of workers at this server: those about runs of one owner that come at the same time share transactions. */
export type RunCalls = CallBatches<PendingCall>;

/** A call that is going to be decided. */
interface PendingCall extends RunCall {
  isDecided: boolean;
}

/** Decides about runs that workers hold. */
export function createDecide(dependencies: StoreDependencies, calls: RunCalls): QueueStorage['decide'] {
  return async (owner, runId, decide, { mayAffectThread, bytes }) => {
    let decided: ReturnType<typeof decide>['result'] | null = null;
    const call: PendingCall = {
      runId,
      isDecided: false,
      decide(stored, now) {
        const { result, step } = decide(stored, now);
        decided = result;
        return step;
      },
    };
    try {
      await calls.add(`${mayAffectThread} ${owner}`, call, bytes, (batch) =>
        decideBatch(dependencies, owner, batch, mayAffectThread),
      );
    } finally {
      dependencies.reader.reset();
    }
    return call.isDecided ? decided : decideSingly(dependencies, owner, runId, decide, mayAffectThread);
  };
}

/** Decides calls together. Those that are left undecided are decided singly. */
async function decideBatch(
  dependencies: StoreDependencies,
  owner: Owner,
  calls: readonly PendingCall[],
  mayAffectThread: boolean,
): Promise<void> {
  try {
    const decided = await decideTogether(dependencies, owner, calls, mayAffectThread);
    for (const call of decided) call.isDecided = true;
  } catch (error) {
    // Another error may be that of one call alone.
    if (error instanceof StoreUnavailable) throw error;
  }
}

/** Decides about a run that may be locked by another transaction, for which it waits. */
async function decideSingly<T>(
  dependencies: StoreDependencies,
  owner: Owner,
  runId: string,
  decide: Decide<T>,
  mayAffectThread: boolean,
): Promise<T | null> {
  if (!mayAffectThread) {
    const decided = await decideAlone(dependencies, owner, runId, decide);
    if (decided !== 'needsThread') return decided.result;
    // The step changes the thread, for example by renewing a lease that had ended.
  }
  return decideWithThread(dependencies, owner, runId, decide);
}

/** Decides about a run with only its execution locked, which is enough for most calls of a worker. */
function decideAlone<T>(
  dependencies: StoreDependencies,
  owner: Owner,
  runId: string,
  decide: Decide<T>,
): Promise<Decided<T>> {
  return runMutation<Decided<T>>(dependencies, owner, async (tx, announcements) => {
    const [execution, run, now] = await Promise.all([
      lockExecution(tx, owner, runId),
      readRun(tx, owner, runId),
      dependencies.clock(tx),
    ]);
    if (run === null) return noChanges({ result: null });
    // `nextEnded` is not used: a step that ends the run is decided again with the thread locked.
    const stored = { run, execution, nextEnded: 0 };
    const { result, step } = decide(stored, now);
    if (step === null) return noChanges({ result });
    if (affectsThread(stored, step)) return noChanges('needsThread');
    announceEvents(announcements, owner, step);
    return {
      outcome: { result },
      insertsOnly: true,
      changes: changeOf(run, step.run),
      store: () => storeSteps(tx, owner, [{ before: stored, step }]),
    };
  });
}

function decideWithThread<T>(
  dependencies: StoreDependencies,
  owner: Owner,
  runId: string,
  decide: Decide<T>,
): Promise<T | null> {
  return runMutation<T | null>(dependencies, owner, async (tx, announcements) => {
    const locked = await lockRun(tx, owner, runId, dependencies.clock);
    if (locked === null) return noChanges(null);
    const { result, step } = decide(locked.stored, locked.now);
    if (step === null) return noChanges(result);
    return {
      outcome: result,
      insertsOnly: true,
      ...planStep(dependencies, tx, announcements, owner, locked, step),
    };
  });
}
