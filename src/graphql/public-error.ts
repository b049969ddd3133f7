import { GraphQLError } from 'graphql';
import {
  apiError,
  ERROR_CODES,
  type ErrorCode,
  unauthenticated,
  unavailable,
  unexpected,
} from '../errors.ts';
import { KeySetUnavailableError, UnauthenticatedError } from '../auth/auth-errors.ts';
import { MAX_BODY_BYTES } from '../limits.ts';
import { BadUserInput } from '../store/bad-user-input.ts';
import { StoreUnavailable } from '../store/unavailable.ts';

/** Messages quote what the client wrote: names, values, whole documents. This much of it is enough, in characters. */
const MAX_MESSAGE = 300;
/** A path is given back when its JSON is no longer than this, in characters: aliases may have any length. */
const MAX_PATH = 500;
/** An error can point at every place of a long document: so many of them say enough. */
const MAX_LOCATIONS = 5;
/** What GraphQL adds to a misspelt name: "Did you mean …?". */
const HINT = / Did you mean [^?]*\?/g;

/**
 * Turns whatever was thrown into an error that the client may see: with one of the known codes, a short message, and
 * nothing of its cause. What nobody foresaw becomes INTERNAL_SERVER_ERROR, and goes to the log.
 * @param log told of the errors that are no fault of the client
 * @param options.hints whether messages may name parts of the schema that the client did not
 */
export function createPublicError(
  log: (cause: unknown, requestId: string) => void,
  { hints }: { readonly hints: boolean },
): PublicError {
  return (error, requestId) => {
    const cause = causeOf(error);
    const known = toKnown(cause);
    if (known === null || isOutage(cause)) log(cause, requestId);
    const { message, extensions } = known ?? unexpected(requestId);
    const at = error instanceof GraphQLError ? error : null;
    return new GraphQLError(shorten(hints ? message : message.replace(HINT, '')), {
      source: at?.source ?? null,
      positions: at?.positions?.slice(0, MAX_LOCATIONS) ?? null,
      path: shownPath(at),
      extensions,
    });
  };
}

/** What the client sees of an error. @param requestId of the request that it comes from */
export type PublicError = (error: unknown, requestId: string) => GraphQLError;

/**
 * Keeps whatever was thrown as the original of a GraphQL error, and tells nobody of it yet: where yoga asks for an
 * error to show, it does not say of which request.
 */
export function asGraphQLError(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error;
  const originalError = error instanceof Error ? error : new Error('No error was thrown.', { cause: error });
  return new GraphQLError('Unexpected error.', { originalError });
}

/** What a resolver threw, under the wrapping that says where; the error itself where it is GraphQL's all through. */
function causeOf(error: unknown): unknown {
  const innermost = unwrap(error);
  return innermost instanceof GraphQLError ? error : innermost;
}

function unwrap(error: unknown): unknown {
  return error instanceof GraphQLError && error.originalError ? unwrap(error.originalError) : error;
}

function toKnown(cause: unknown): GraphQLError | null {
  if (cause instanceof BadUserInput) return apiError('BAD_USER_INPUT', cause.message);
  if (cause instanceof UnauthenticatedError) return unauthenticated(cause.message);
  if (isOutage(cause)) return unavailable(cause.message);
  if (isStackOverflow(cause)) {
    return apiError('BAD_USER_INPUT', 'The document is nested too deeply.', { status: 400 });
  }
  if (!(cause instanceof GraphQLError)) return null;
  const { code, http } = cause.extensions;
  if (code === 'REQUEST_ENTITY_TOO_LARGE') {
    return apiError('LIMIT_EXCEEDED', `The body of a request may have ${MAX_BODY_BYTES} bytes.`, {
      status: 413,
    });
  }
  // yoga answers 200 to `Accept: application/json` even where the body is no request: that is 400 for everyone.
  const status = typeof http === 'object' && code === 'BAD_REQUEST' ? { ...http, spec: false } : http;
  return new GraphQLError(cause.message, {
    extensions: { code: ourCode(code), ...(status != null && { http: status }) },
  });
}

/** No fault of the caller's: somebody who runs the server wants to know. */
function isOutage(cause: unknown): cause is Error {
  return cause instanceof KeySetUnavailableError || cause instanceof StoreUnavailable;
}

/** Ours for the codes of yoga and its executor, which give none to arguments and variables that do not fit. */
function ourCode(code: unknown): ErrorCode {
  return ERROR_CODES.find((known) => known === code) ?? 'BAD_USER_INPUT';
}

/** The parser calls itself for each level of a document. */
function isStackOverflow(cause: unknown): boolean {
  return cause instanceof RangeError && cause.message.includes('call stack');
}

function shownPath(error: GraphQLError | null): GraphQLError['path'] | null {
  return error?.path !== undefined && JSON.stringify(error.path).length <= MAX_PATH ? error.path : null;
}

function shorten(message: string): string {
  return message.length <= MAX_MESSAGE ? message : `${message.slice(0, MAX_MESSAGE).toWellFormed()}…`;
}
