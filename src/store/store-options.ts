import type { Change, ShownPayloads } from './change.ts';
import type { AppendedEvents } from './execution.ts';
import type { Owner } from './owner.ts';

/** Options of every kind of stores. */
export interface StoreOptions {
  /**
   * Called with all changes of a mutation at once, after they are stored and in the order of the mutations. It must not
   * throw. Without `payloads`, those of the changed records have to be read from the store, and may be newer. Default:
   * none.
   */
  readonly publish?: (owner: Owner, changes: readonly Change[], payloads?: ShownPayloads) => void;
  /** Called when events of a run are stored, after that. It must not throw. Default: none. */
  readonly publishEvents?: (owner: Owner, appended: AppendedEvents) => void;
  /** Called with the changes of each mutation of this process, after they are stored. Default: none. */
  readonly onStored?: (changes: readonly Change[]) => void;
  /** Called when a lease ended before its run did. Default: none. */
  readonly onLeaseLost?: () => void;
  /** Called when a run can be claimed. It must not throw, and must not call the stores. Default: none. */
  readonly onReady?: (owner: Owner, graphId: string) => void;
  /** How long the events of a run are kept after its end, in milliseconds. Default: 24 hours. */
  readonly eventRetention?: number;
  /**
   * The interval of sweeps, in milliseconds; null for none: then `sweep` must be called. Default:
   * `SWEEP_INTERVAL`.
   */
  readonly sweepInterval?: number | null;
  /** The current time, in milliseconds since 1970. Default: that of the machine; in PostgreSQL, that of the database. */
  readonly now?: () => number;
}

/** How long the events of a run are kept after its end, in milliseconds: 24 hours. */
export const DEFAULT_EVENT_RETENTION = 86_400_000;
/** The interval of sweeps, in milliseconds. */
export const SWEEP_INTERVAL = 500;
