import type { Identity } from '../auth/identity.ts';
import type { WaitingRequest } from '../subscriptions/waiting-calls.ts';

/** What every resolver gets as its third argument. */
export interface Context extends WaitingRequest {
  /** The verified token; null without one. Resolvers read it by `ownerOf`. */
  readonly identity: Identity | null;
  /** What continues the trace of the request elsewhere; null where it is not traced. */
  readonly traceparent: string | null;
  /** Why no resolver may call a store any more: the request took too long, or its client has gone. */
  stopped: Error | null;
}
