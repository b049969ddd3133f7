import type { ChangeFeed } from './change-feed.ts';
import type { ClaimingRequest } from './claimed-runs.ts';
import type { ClaimWaiters } from './claim-waiters.ts';
import type { StoppableRequest, Waits } from './waits.ts';

/** The request of a waiting call, and what wakes the call. */
export interface WaitingRequest extends StoppableRequest, ClaimingRequest {
  readonly changes: ChangeFeed;
  readonly waits: Waits;
  readonly claimWaiters: ClaimWaiters;
  /** Why the request was stopped. */
  readonly stopped: Error | null;
}
