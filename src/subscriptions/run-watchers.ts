import type { Change } from '../store/change.ts';
import type { AppendedEvents, RunEvent } from '../store/execution.ts';
import type { Owner } from '../store/owner.ts';
import type { Run } from '../store/records.ts';

/** What a watched run tells. */
export interface RunSignal {
  /** The run right after that; null once it is deleted. */
  readonly run: Run | null;
  /** The events that were appended, or none where they have to be read from the store. Null for a change of the run. */
  readonly events: readonly RunEvent[] | null;
}

/** Called with each signal of a run. */
export type RunWatcher = (signal: RunSignal) => void;

/** Those who watch single runs, by owner and run. */
export interface RunWatchers {
  publish(owner: Owner, changes: readonly Change[]): void;
  publishEvents(owner: Owner, appended: AppendedEvents): void;
  /** Watches a run. Returns the function that ends it. */
  watch(owner: Owner, runId: string, watcher: RunWatcher): () => void;
  /** Whether a run of an owner is watched. */
  has(owner: Owner): boolean;
}

/** Creates an empty registry. */
export function createRunWatchers(): RunWatchers {
  const owners = new Map<Owner, Map<string, Set<RunWatcher>>>();

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
    watch(owner, runId, watcher) {
      let runs = owners.get(owner);
      if (runs === undefined) owners.set(owner, (runs = new Map<string, Set<RunWatcher>>()));
      let watchers = runs.get(runId);
      if (watchers === undefined) runs.set(runId, (watchers = new Set()));
      const [ofOwner, ofRun] = [runs, watchers];
      ofRun.add(watcher);
      return () => {
        ofRun.delete(watcher);
        if (ofRun.size > 0 || ofOwner.get(runId) !== ofRun) return;
        ofOwner.delete(runId);
        if (ofOwner.size === 0 && owners.get(owner) === ofOwner) owners.delete(owner);
      };
    },
    has: (owner) => owners.has(owner),
  };
}
