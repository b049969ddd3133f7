import type { Change } from './change.ts';
import type { AppendedEvents } from './execution.ts';
import type { Owner } from './owner.ts';

/** What every kind of stores can be given. */
export interface StoreOptions {
  /**
   * Called with all changes of a mutation at once, after they are stored and in the order of the mutations. It must not
   * throw. Default: changes are not published.
   */
  readonly publish?: (owner: Owner, changes: readonly Change[]) => void;
  /** The current time, in milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number;
  /** Called when a run of this graph may be waiting that was not before, after it is stored. It must not throw. */
  readonly onReady?: (owner: Owner, graphId: string) => void;
  /** Called with events of a run, after they are stored. It must not throw. */
  readonly publishEvents?: (owner: Owner, appended: AppendedEvents) => void;
  /** How long events are kept after their run's end, in milliseconds. Default: 24 hours. */
  readonly eventRetention?: number;
}
