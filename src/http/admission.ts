import type { Authenticate } from '../auth/authenticator.ts';
import type { Identity } from '../auth/identity.ts';
import type { RateLimiter } from '../auth/rate-limiter.ts';
import { andThen, type MaybePromise } from '../lib/maybe-promise.ts';
import type { RequestRecord } from '../observability/request-record.ts';
import { tokenMissing } from '../schema/owner-of.ts';

/** What decides whether the requests of a caller are processed. */
export interface AdmissionParts {
  /** Null where requests are not limited. */
  readonly rateLimiter: RateLimiter | null;
  /** Whether requests without a token are processed: they can introspect. */
  readonly introspection: boolean;
}

/**
 * Counts a request of a caller whose token is verified; null without one.
 * @throws GraphQLError UNAUTHENTICATED or LIMIT_EXCEEDED
 */
export type AdmitCaller = (identity: Identity | null, record: RequestRecord) => void;

/**
 * Authenticates a request, and counts it, before anything else of it is read.
 * @param authorization the value of its `Authorization` header; null without one
 * @returns the verified token; null without one
 * @throws UnauthenticatedError, KeySetUnavailableError, or a GraphQLError UNAUTHENTICATED or LIMIT_EXCEEDED
 */
export type AdmitRequest = (
  authorization: string | null,
  record: RequestRecord,
) => MaybePromise<Identity | null>;

/** Creates the first step of an operation whose connection is authenticated. */
export function createCallerAdmission({ rateLimiter, introspection }: AdmissionParts): AdmitCaller {
  return (identity, record) => {
    if (identity !== null) {
      record.owner = identity.owner;
      record.isWorker = identity.worker !== null;
      rateLimiter?.acquire(identity.owner);
    } else if (!introspection) {
      throw tokenMissing();
    }
  };
}

/** Creates the first step of a request. */
export function createRequestAdmission(authenticate: Authenticate, admitCaller: AdmitCaller): AdmitRequest {
  return (authorization, record) =>
    andThen(authenticate(authorization), (identity) => {
      admitCaller(identity, record);
      return identity;
    });
}
