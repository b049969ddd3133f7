import { apiError, type ErrorCode } from '../api-error.ts';

/** A line of JSON for refusals outside of GraphQL, in the form of its answers. */
export function errorBody(code: ErrorCode, message: string): string {
  return `${JSON.stringify({ errors: [apiError(code, message)] })}\n`;
}
