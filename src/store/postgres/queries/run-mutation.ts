import type { Change } from '../../change.ts';
import type { Outcome } from '../../outcome.ts';
import type { Owner } from '../../owner.ts';
import { runInTransaction } from '../client/database.ts';
import type { Transaction } from '../client/pool.ts';
import { logChanges } from '../notifications/change-log.ts';
import type { StoreDependencies } from './dependencies.ts';
import { writeChanges } from './write-changes.ts';

/** The result of a mutation, and the changes that it has to store. */
export interface MutationPlan<T> {
  readonly outcome: Outcome<T>;
  readonly changes: readonly Change[];
}

/** A plan that changes nothing. */
export function noChanges<T>(outcome: Outcome<T>): MutationPlan<T> {
  return { outcome, changes: [] };
}

/**
 * Plans a mutation and stores its changes, in one transaction. All servers, this one included, are notified of the
 * changes when it commits. Later reads of the same request see them.
 * @param plan locks what it reads: a thread first, then an assistant, then runs, so that there are no deadlocks
 * @throws StoreUnavailable when the database cannot do it now
 */
export async function runMutation<T>(
  { database, reader }: Pick<StoreDependencies, 'database' | 'reader'>,
  owner: Owner,
  plan: (tx: Transaction) => Promise<MutationPlan<T>>,
): Promise<Outcome<T>> {
  try {
    return await runInTransaction(database, owner, async (tx) => {
      const { outcome, changes } = await plan(tx);
      if (changes.length > 0) {
        await Promise.all([writeChanges(tx, owner, changes), logChanges(tx, owner, changes)]);
      }
      return outcome;
    });
  } finally {
    // Not before: a read of the same request may have begun a snapshot during the transaction.
    reader.reset();
  }
}
