import type { GraphQLError } from 'graphql';
import { apiError, type ErrorCode, unexpected } from '../errors.ts';

/** The response body of an error outside of GraphQL, in the format of GraphQL's errors. */
export function errorBody(code: ErrorCode, message: string): string {
  return bodyOf(apiError(code, message));
}

/** The response body of an unexpected error. */
export function unexpectedBody(requestId: string): string {
  return bodyOf(unexpected(requestId));
}

function bodyOf(error: GraphQLError): string {
  return `${JSON.stringify({ errors: [error] })}\n`;
}
