import type { Owner } from '../../owner.ts';
import type { Decide, QueueStorage } from '../../rules/execution/run-queue.ts';
import type { StoreDependencies } from '../queries/dependencies.ts';
import { lockRun, readRun } from '../queries/locks.ts';
import { noChanges, runMutation } from '../queries/run-mutation.ts';
import { lockExecution } from '../tables/executions.ts';
import { announceEvents, changeOf, planStep } from '../queries/plan-step.ts';
import { affectsThread, storeSteps } from '../tables/store-steps.ts';

/** A decision; `needsThread` where the thread has to be locked for it. */
type Decided<T> = { readonly result: T | null } | 'needsThread';

/** Decides about runs that workers hold. */
export function createDecide(dependencies: StoreDependencies): QueueStorage['decide'] {
  return async (owner, runId, decide, mayAffectThread) => {
    if (!mayAffectThread) {
      const decided = await decideAlone(dependencies, owner, runId, decide);
      if (decided !== 'needsThread') return decided.result;
      // The step changes the thread, for example by renewing a lease that had ended.
    }
    return decideWithThread(dependencies, owner, runId, decide);
  };
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
    return { outcome: result, ...planStep(dependencies, tx, announcements, owner, locked, step) };
  });
}
