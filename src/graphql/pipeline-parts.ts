import type { GraphQLSchema } from 'graphql';
import type { Stores } from '../store/stores.ts';
import type { ChangeFeed } from '../subscriptions/change-feed.ts';
import type { ClaimWaiters } from '../subscriptions/claim-waiters.ts';
import type { EventRateLimiter } from '../subscriptions/event-rate-limiter.ts';
import type { Subscribers } from '../subscriptions/subscribers.ts';
import type { Waits } from '../subscriptions/waits.ts';
import type { Documents } from './documents.ts';
import type { Results } from './operation-result.ts';
import type { TrustedDocuments } from './trusted-documents.ts';

/** What the pipeline consists of. */
export interface PipelineParts {
  readonly schema: GraphQLSchema;
  readonly documents: Documents;
  /** Null where there are none. */
  readonly trustedDocuments: TrustedDocuments | null;
  readonly results: Results;
  /** Opens the stores for one request. */
  readonly openStores: () => Stores;
  readonly changes: ChangeFeed;
  readonly waits: Waits;
  readonly claimWaiters: ClaimWaiters;
  readonly eventRateLimiter: EventRateLimiter;
  readonly subscribers: Subscribers;
  /** How long a query or mutation may run, and a subscription may take to begin, in milliseconds. */
  readonly requestTimeout: number;
}
