import type { GraphQLError } from 'graphql';
import { apiError, type ErrorCode, unexpected } from '../errors.ts';

/** A line of JSON for refusals outside of GraphQL, in the form of its answers. */
export function errorBody(code: ErrorCode, message: string): string {
  return bodyOf(apiError(code, message));
}

/** The same for what nobody foresaw. */
export function unexpectedBody(requestId: string): string {
  return bodyOf(unexpected(requestId));
}

function bodyOf(error: GraphQLError): string {
  return `${JSON.stringify({ errors: [error] })}\n`;
}
