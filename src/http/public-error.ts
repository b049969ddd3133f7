import { GraphQLError } from 'graphql';
import { apiError, ERROR_CODES, type ErrorCode, unauthenticated, unavailable } from '../api-error.ts';
import { KeySetUnavailableError, UnauthenticatedError } from '../auth/auth-errors.ts';
import { BadUserInput } from '../store/bad-user-input.ts';

/** Messages quote what the client wrote: names, values, whole documents. This much of it is enough, in characters. */
const MAX_MESSAGE = 300;
/** A path is given back when its JSON is no longer than this, in characters: aliases may have any length. */
const MAX_PATH = 500;

/**
 * Turns whatever was thrown into an error that the client may see: with one of the known codes, a short message, and
 * nothing of its cause. What nobody foresaw becomes INTERNAL_SERVER_ERROR, and goes to the log.
 * @param log told of the errors that are no fault of the client
 */
export function createPublicError(log: (cause: unknown) => void): (error: unknown) => GraphQLError {
  const done = new WeakSet<GraphQLError>();

  return (error) => {
    if (error instanceof GraphQLError && done.has(error)) return error;
    const cause = causeOf(error);
    const known = toKnown(cause);
    if (known === null || cause instanceof KeySetUnavailableError) log(cause);
    const { message, extensions } = known ?? apiError('INTERNAL_SERVER_ERROR', 'Unexpected error.');
    const at = error instanceof GraphQLError ? error : null;
    const shown = new GraphQLError(shorten(message), {
      nodes: at?.nodes ?? null,
      source: at?.source ?? null,
      positions: at?.positions ?? null,
      path: shownPath(at),
      extensions,
    });
    done.add(shown);
    return shown;
  };
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
  if (cause instanceof KeySetUnavailableError) return unavailable(cause.message);
  if (!(cause instanceof GraphQLError)) return null;
  const { code, http } = cause.extensions;
  return new GraphQLError(cause.message, {
    extensions: { code: ourCode(code), ...(http != null && { http }) },
  });
}

/** Ours for the codes of yoga and its executor, which give none to arguments and variables that do not fit. */
function ourCode(code: unknown): ErrorCode {
  if (code === 'REQUEST_ENTITY_TOO_LARGE') return 'LIMIT_EXCEEDED';
  return ERROR_CODES.find((known) => known === code) ?? 'BAD_USER_INPUT';
}

function shownPath(error: GraphQLError | null): GraphQLError['path'] | null {
  return error?.path !== undefined && JSON.stringify(error.path).length <= MAX_PATH ? error.path : null;
}

function shorten(message: string): string {
  return message.length <= MAX_MESSAGE ? message : `${message.slice(0, MAX_MESSAGE).toWellFormed()}…`;
}
