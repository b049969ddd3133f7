import type { Change } from '../store/change.ts';
import type { AppendedEvents } from '../store/execution.ts';
import type { Owner } from '../store/owner.ts';
import type { ChangeFeed } from './change-feed.ts';

type Watcher = Parameters<ChangeFeed['watchRun']>[2];

/** Those who watch single runs, by owner and run. */
export interface RunWatchers extends Pick<ChangeFeed, 'publish' | 'publishEvents'> {
  watch: ChangeFeed['watchRun'];
  /** Whether a run of an owner is watched. */
  has(owner: Owner): boolean;
}

/** Creates an empty registry. */
export function createRunWatchers(): RunWatchers {
  const owners = new Map<Owner, Map<string, Set<Watcher>>>();

  function send(owner: Owner, runId: string, appended: AppendedEvents | null): void {
    for (const watcher of owners.get(owner)?.get(runId) ?? []) watcher(appended);
  }

  return {
    publish(owner, changes: readonly Change[]) {
      if (!owners.has(owner)) return;
      for (const { resource, before, after } of changes) {
        if (resource !== 'run') continue;
        const id = (after ?? before)?.id ?? '';
        send(owner, id, after && { run: after, events: [] });
      }
    },
    publishEvents: (owner, appended) => send(owner, appended.run.id, appended),
    watch(owner, runId, watcher) {
      let runs = owners.get(owner);
      if (runs === undefined) owners.set(owner, (runs = new Map<string, Set<Watcher>>()));
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
