import type { Change } from './change.ts';
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
}
