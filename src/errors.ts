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
/** What a client can switch on. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** How an error shows in the HTTP response. yoga takes it out of the answer. */
interface Http {
  readonly status: number;
  /** 200 instead of the status for who does not accept `application/graphql-response+json`. */
  readonly spec?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error whose message is for the caller: what was wrong, and what is accepted. */
export function apiError(code: ErrorCode, message: string, http?: Http): GraphQLError {
  return new GraphQLError(message, { extensions: { code, ...(http && { http }) } });
}

/** HTTP 401 with the challenge of RFC 6750, section 3. */
export function unauthenticated(message: string): GraphQLError {
  return apiError('UNAUTHENTICATED', message, { status: 401, headers: { 'WWW-Authenticate': 'Bearer' } });
}

/** What nobody foresaw. The cause is in the log, under the id of the request. */
export function unexpected(requestId: string): GraphQLError {
  return new GraphQLError('Unexpected error.', { extensions: { code: 'INTERNAL_SERVER_ERROR', requestId } });
}

/** HTTP 503: the same request may succeed later. */
export function unavailable(message: string): GraphQLError {
  return apiError('SERVICE_UNAVAILABLE', message, { status: 503 });
}
