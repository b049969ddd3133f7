import sortedBTree from 'sorted-btree';
import type { RunState } from '../execution.ts';
import type { Owner } from '../owner.ts';
import type { Run } from '../records.ts';
import { nextDeadline } from '../rules/execution/deadlines.ts';
import { isWaiting } from '../rules/execution/state.ts';
import { compareCodeUnits } from '../rules/text.ts';

/** A run that something has to be done about. */
export interface ScheduledRun {
  /** In milliseconds since 1970. */
  readonly at: number;
  readonly owner: Owner;
  readonly runId: string;
}

/** The runs that something has to be done about at some time, by that time. */
export class Schedule {
  readonly #runs = new sortedBTree.default<ScheduledRun, null>(undefined, compareScheduled);

  /** Schedules a run that was changed. */
  replace(owner: Owner, before: RunState | null, after: RunState | null): void {
    const [from, to] = [before && timeOf(before), after && timeOf(after)];
    const runId = (after ?? before)?.run.id ?? '';
    if (from !== null && from !== to) this.#runs.delete({ at: from, owner, runId });
    if (to !== null) this.#runs.set({ at: to, owner, runId }, null);
  }

  /** Schedules what is due about a run whose delay has ended. @param now milliseconds since 1970 */
  addDeadline(owner: Owner, state: RunState, now: number): void {
    const at = nextDeadline(state);
    if (at !== null && at > now) this.#runs.set({ at, owner, runId: state.run.id }, null);
  }

  /** Schedules the end of a run's delay, which may be one that it got by a clock that went back since. */
  addDelay(owner: Owner, { id, availableAt }: Run): void {
    if (availableAt !== null) this.#runs.set({ at: Date.parse(availableAt), owner, runId: id }, null);
  }

  /** Takes the run whose time came first; null where none has. @param now milliseconds since 1970 */
  takeDue(now: number): ScheduledRun | null {
    const first = this.#runs.minKey();
    if (first === undefined || first.at > now) return null;
    this.#runs.delete(first);
    return first;
  }
}

/** When something has to be done about a run: what is due, or its delay ends. */
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
