import sortedBTree from 'sorted-btree';
import type { RunState } from '../execution.ts';
import type { Owner } from '../owner.ts';
import type { Run } from '../records.ts';
import { nextDeadline } from '../rules/execution/deadlines.ts';
import { isWaiting } from '../rules/execution/state.ts';
import { compareCodeUnits } from '../rules/text.ts';

/** A run with the time of its next deadline, or of the end of its delay. */
export interface ScheduledRun {
  /** In milliseconds since 1970. */
  readonly at: number;
  readonly owner: Owner;
  readonly runId: string;
}

/** The runs with a deadline or a delay, by time. */
export class Schedule {
  readonly #runs = new sortedBTree.default<ScheduledRun, null>(undefined, compareScheduled);

  /** Schedules a run that was changed. */
  replace(owner: Owner, before: RunState | null, after: RunState | null): void {
    const [from, to] = [before && timeOf(before), after && timeOf(after)];
    const runId = (after ?? before)?.run.id ?? '';
    if (from !== null && from !== to) this.#runs.delete({ at: from, owner, runId });
    if (to !== null) this.#runs.set({ at: to, owner, runId }, null);
  }

  /** Schedules the next deadline of a run whose delay has ended. @param now milliseconds since 1970 */
  addDeadline(owner: Owner, state: RunState, now: number): void {
    const at = nextDeadline(state);
    if (at !== null && at > now) this.#runs.set({ at, owner, runId: state.run.id }, null);
  }

  /** Schedules the end of a run's delay, also where the clock has gone back since. */
  addDelay(owner: Owner, { id, availableAt }: Run): void {
    if (availableAt !== null) this.#runs.set({ at: Date.parse(availableAt), owner, runId: id }, null);
  }

  /** Removes and returns the run whose time came first; null where none has come. @param now milliseconds since 1970 */
  takeDue(now: number): ScheduledRun | null {
    const first = this.#runs.minKey();
    if (first === undefined || first.at > now) return null;
    this.#runs.delete(first);
    return first;
  }
}

/** The next deadline of a run, or the end of its delay. */
function timeOf(state: RunState): number | null {
  const { run } = state;
  const due = nextDeadline(state);
  // A run that can begin when it is stored needs no delay to end.
  if (run.availableAt === null || !isWaiting(run) || run.availableAt <= run.updatedAt) return due;
  return Math.min(Date.parse(run.availableAt), due ?? Infinity);
}

function compareScheduled(a: ScheduledRun, b: ScheduledRun): number {
  return a.at - b.at || compareCodeUnits(a.runId, b.runId) || compareCodeUnits(a.owner, b.owner);
}
