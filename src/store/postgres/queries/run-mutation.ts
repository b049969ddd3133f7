import type { Change } from '../../change.ts';
import type { Owner } from '../../owner.ts';
import { planOnce, runInTransaction, type TransactionOptions } from '../client/database.ts';
import type { Transaction } from '../client/pool.ts';
import { Announcements } from '../notifications/announcer.ts';
import { logChanges } from '../notifications/change-log.ts';
import type { StoreDependencies } from './dependencies.ts';
import { writeChanges } from './write-changes.ts';

/** The result of a mutation, and what it has to store. */
export interface MutationPlan<T> {
  readonly outcome: T;
  readonly changes: readonly Change[];
  /** Stores what belongs to the changed records and is not in them. Statements are sent before the first `await`. */
  readonly store?: () => Promise<unknown>;
  /** Whether all that is stored is inserted, also with `ON CONFLICT`: see `planOnce`. Default: false. */
  readonly insertsOnly?: boolean;
}

/** Plans a mutation within its transaction. */
export type PlanMutation<T> = (tx: Transaction, announcements: Announcements) => Promise<MutationPlan<T>>;

/** A plan that changes nothing. */
export function noChanges<T>(outcome: T): MutationPlan<T> {
  return { outcome, changes: [] };
}

/**
 * Plans a mutation and stores its changes, in one transaction. All servers, this one included, are notified of the
 * changes when it commits. Later reads of the same request see them.
 * @param plan locks what it reads: a thread first, then an assistant, then executions, so that there are no deadlocks
 * @throws StoreUnavailable when the database cannot do it now
 */
export async function runMutation<T>(
  { database, reader, announcer }: Pick<StoreDependencies, 'database' | 'reader' | 'announcer'>,
  owner: Owner,
  plan: PlanMutation<T>,
  options?: TransactionOptions,
): Promise<T> {
  const announcements = new Announcements();
  try {
    const store = async (tx: Transaction): Promise<T> => {
      const planned = await plan(tx, announcements);
      await storeAndCommit(tx, owner, planned);
      return planned.outcome;
    };
    const outcome = await runInTransaction(database, owner, store, options);
    announcer.announce(announcements);
    return outcome;
  } finally {
    // Not before: a read of the same request may have begun a snapshot during the transaction.
    reader.reset();
  }
}

/** Stores the changes of a mutation of an owner. All statements are sent before the first `await`. */
export async function storePlan(
  tx: Transaction,
  owner: Owner,
  { changes, store, insertsOnly = false }: MutationPlan<unknown>,
): Promise<void> {
  if (changes.length === 0 && store === undefined) return;
  await Promise.all([
    ...(insertsOnly ? [planOnce(tx)] : []),
    ...(changes.length > 0 ? [writeChanges(tx, owner, changes)] : []),
    store?.(),
    ...(changes.length > 0 ? [logChanges(tx, owner, changes)] : []),
  ]);
}

/** Stores the changes of a mutation, and commits. */
export async function storeAndCommit(
  tx: Transaction,
  owner: Owner,
  plan: MutationPlan<unknown>,
): Promise<void> {
  const stored = storePlan(tx, owner, plan);
  tx.commit();
  await stored;
}
