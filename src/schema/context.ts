import type { Identity } from '../auth/identity.ts';
import type { ChangeFeed } from '../subscriptions/change-feed.ts';
import type { Stores } from '../store/stores.ts';

/** What every resolver gets as its third argument. */
export interface Context {
  /** The verified token; null without one. Resolvers read it by `ownerOf`. */
  readonly identity: Identity | null;
  readonly stores: Stores;
  readonly changes: ChangeFeed;
  /** Why no resolver may call a store any more: the request took too long, or its client has gone. */
  stopped: Error | null;
}
