import type { Identity } from '../auth/identity.ts';
import type { Changes } from '../subscriptions/change-feed.ts';
import type { Stores } from '../store/stores.ts';

/** What every resolver is given. */
export interface Context {
  /** Who asks; null without a token. Resolvers read it by `ownerOf`. */
  readonly identity: Identity | null;
  readonly stores: Stores;
  readonly changes: Changes;
}
