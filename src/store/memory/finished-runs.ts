import type { Owner } from '../owner.ts';

/** A run that has ended. */
interface FinishedRun {
  readonly owner: Owner;
  readonly runId: string;
  /** In milliseconds since 1970. */
  readonly finishedAt: number;
}

/** The runs that have ended and have events, in the order in which they ended. */
export class FinishedRuns {
  /** A map keeps the order of its insertions. */
  readonly #runs = new Map<string, FinishedRun>();

  /** Adds a run, unless it was added before. */
  add(owner: Owner, runId: string, finishedAt: string): void {
    const key = keyOf(owner, runId);
    if (!this.#runs.has(key)) this.#runs.set(key, { owner, runId, finishedAt: Date.parse(finishedAt) });
  }

  delete(owner: Owner, runId: string): void {
    this.#runs.delete(keyOf(owner, runId));
  }

  /** Takes the run that ended first; null where there is none. */
  takeFirst(): FinishedRun | null {
    const [first] = this.#runs.values();
    if (first === undefined) return null;
    this.delete(first.owner, first.runId);
    return first;
  }

  /** Takes the runs that ended before a time. @param limit milliseconds since 1970 */
  takeBefore(limit: number): readonly FinishedRun[] {
    const taken: FinishedRun[] = [];
    for (const run of this.#runs.values()) {
      if (run.finishedAt > limit) break;
      taken.push(run);
    }
    for (const { owner, runId } of taken) this.delete(owner, runId);
    return taken;
  }
}

/** No owner has U+0000 in it. */
function keyOf(owner: Owner, runId: string): string {
  return `${owner}\0${runId}`;
}
