import type { RunState, RunStep } from '../execution.ts';
import type { Owner } from '../owner.ts';
import type { Database } from './database.ts';
import { stepMutation } from './step-mutation.ts';

/** Commits a step of a run. @param now milliseconds since 1970 */
export function commitStep(
  database: Database,
  owner: Owner,
  stored: RunState,
  step: RunStep,
  now: number,
): void {
  const mutation = stepMutation(database.partition(owner), stored, step, now);
  database.commit(owner, mutation.changes, mutation.details, mutation.events);
  if (mutation.events.length > 0) database.limitEvents();
}
