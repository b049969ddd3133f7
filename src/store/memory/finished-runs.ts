import sortedBTree from 'sorted-btree';
import { type Owner, ownedKey } from '../owner.ts';
import { compareCodeUnits } from '../rules/text.ts';

/** A run that has ended. */
interface FinishedRun {
  readonly owner: Owner;
  readonly runId: string;
  /** In milliseconds since 1970. */
  readonly finishedAt: number;
}

/** The runs that have ended and have events, in the order in which they ended. */
export class FinishedRuns {
  readonly #byTime = new sortedBTree.default<FinishedRun, null>(undefined, compareFinished);
  readonly #byId = new Map<string, FinishedRun>();

  /** Adds a run, unless it was added before. */
  add(owner: Owner, runId: string, finishedAt: string): void {
    const key = ownedKey(owner, runId);
    if (this.#byId.has(key)) return;
    const run = { owner, runId, finishedAt: Date.parse(finishedAt) };
    this.#byId.set(key, run);
    this.#byTime.set(run, null);
  }

  delete(owner: Owner, runId: string): void {
    const key = ownedKey(owner, runId);
    const run = this.#byId.get(key);
    if (run === undefined) return;
    this.#byId.delete(key);
    this.#byTime.delete(run);
  }

  /** Takes the run that ended first. @param limit milliseconds since 1970: null where none ended up to then */
  takeFirst(limit = Infinity): FinishedRun | null {
    const first = this.#byTime.minKey();
    if (first === undefined || first.finishedAt > limit) return null;
    this.delete(first.owner, first.runId);
    return first;
  }
}

function compareFinished(a: FinishedRun, b: FinishedRun): number {
  return (
    a.finishedAt - b.finishedAt || compareCodeUnits(a.runId, b.runId) || compareCodeUnits(a.owner, b.owner)
  );
}
