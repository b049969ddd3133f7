import type { Change } from '../store/change.ts';
import type { AppendedEvents, FollowedRun, RunEvent } from '../store/execution.ts';
import { type Owner, ownedKey } from '../store/owner.ts';
import type { Run } from '../store/records.ts';

/** A signal of a watched run: a change of its record, or appended events. */
export interface RunSignal {
  /** The run right after that; null once it is deleted. */
  readonly run: Run | null;
  /** The events that were appended, or none where they have to be read from the store. Null for a change of the run. */
  readonly events: readonly RunEvent[] | null;
}

/** Called with each signal of a run. */
export type RunWatcher = (signal: RunSignal) => void;

/** The watchers of single runs, by owner and run. */
export interface RunWatchers {
  publish(owner: Owner, changes: readonly Change[]): void;
  publishEvents(owner: Owner, appended: AppendedEvents): void;
  /**
   * Watches a run. Returns the function that ends it.
   * @param knownSeq for a reader of the run's events: the `seq` up to which it knows of them
   */
  watch(owner: Owner, runId: string, watcher: RunWatcher, knownSeq?: () => number): () => void;
  /** The runs whose events are followed. */
  followedRuns(): readonly FollowedRun[];
  /** Whether a run of an owner is watched. */
  has(owner: Owner): boolean;
}

/** Creates an empty registry. */
export function createRunWatchers(): RunWatchers {
  const owners = new Map<Owner, Map<string, Set<RunWatcher>>>();
  const readers = new Map<RunWatcher, () => FollowedRun>();

  function send(owner: Owner, runId: string, signal: RunSignal): void {
    for (const watcher of owners.get(owner)?.get(runId) ?? []) watcher(signal);
  }

  return {
    publish(owner, changes) {
      if (!owners.has(owner)) return;
      for (const { resource, before, after } of changes) {
        if (resource !== 'run') continue;
        const id = (after ?? before)?.id ?? '';
        send(owner, id, { run: after, events: null });
      }
    },
    publishEvents: (owner, appended) => send(owner, appended.run.id, appended),
    watch(owner, runId, watcher, knownSeq) {
      if (knownSeq !== undefined) readers.set(watcher, () => ({ owner, id: runId, knownSeq: knownSeq() }));
      let runs = owners.get(owner);
      if (runs === undefined) owners.set(owner, (runs = new Map<string, Set<RunWatcher>>()));
      let watchers = runs.get(runId);
      if (watchers === undefined) runs.set(runId, (watchers = new Set()));
      const [ofOwner, ofRun] = [runs, watchers];
      ofRun.add(watcher);
      return () => {
        readers.delete(watcher);
        ofRun.delete(watcher);
        if (ofRun.size > 0 || ofOwner.get(runId) !== ofRun) return;
        ofOwner.delete(runId);
        if (ofOwner.size === 0 && owners.get(owner) === ofOwner) owners.delete(owner);
      };
    },
    followedRuns() {
      const runs = new Map<string, FollowedRun>();
      for (const read of readers.values()) {
        const run = read();
        const key = ownedKey(run.owner, run.id);
        if (run.knownSeq < (runs.get(key)?.knownSeq ?? Infinity)) runs.set(key, run);
      }
      return [...runs.values()];
    },
    has: (owner) => owners.has(owner),
  };
}
