import { GraphQLError } from 'graphql';

/** Every code that an error in `errors` can have. */
export const ERROR_CODES = [
  'UNAUTHENTICATED',
  'BAD_USER_INPUT',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'LIMIT_EXCEEDED',
  'SERVICE_UNAVAILABLE',
  'INTERNAL_SERVER_ERROR',
] as const;
/** A code of an error. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** What an error means for an HTTP response. It is in `extensions.http`, and never sent. */
export interface HttpHint {
  readonly status: number;
  /** Whether the status is 200 for `application/json`. Default: false. */
  readonly spec?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error whose message is for the caller: it says what was wrong, and what is accepted. */
export function apiError(code: ErrorCode, message: string, http?: HttpHint): GraphQLError {
  return new GraphQLError(message, { extensions: { code, ...(http && { http }) } });
}

/** What an error means for an HTTP response; null where it says nothing. */
export function httpHintOf({ extensions: { http } }: GraphQLError): HttpHint | null {
  return isHttpHint(http) ? http : null;
}

function isHttpHint(http: unknown): http is HttpHint {
  return typeof http === 'object' && http !== null && 'status' in http && typeof http.status === 'number';
}

/** HTTP 401 with the challenge of RFC 6750, section 3. */
export function unauthenticated(message: string): GraphQLError {
  return apiError('UNAUTHENTICATED', message, { status: 401, headers: { 'WWW-Authenticate': 'Bearer' } });
}

/** An unexpected error. Its cause is in the log, under the id of the request. */
export function unexpected(requestId: string): GraphQLError {
  return new GraphQLError('Unexpected error.', { extensions: { code: 'INTERNAL_SERVER_ERROR', requestId } });
}

/** HTTP 503: the same request may succeed later. */
export function unavailable(message: string): GraphQLError {
  return apiError('SERVICE_UNAVAILABLE', message, { status: 503 });
}
