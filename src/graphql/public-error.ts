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
import { BadUserInput } from '../store/bad-user-input.ts';
import { StoreUnavailable } from '../store/unavailable.ts';

/** All errors of a result, as JSON: more of a long list say little more. In bytes. */
const MAX_BYTES = 3_000;
/** Messages quote what the client wrote: names, values, whole documents. This much of it is enough, in characters. */
const MAX_MESSAGE = 300;
/** The longest path that is shown, as JSON in characters: aliases may have any length. */
const MAX_PATH = 500;
/** How many locations of an error are shown: it can have one for each part of a long document. */
const MAX_LOCATIONS = 5;
/** What GraphQL adds to a misspelt name: "Did you mean …?". */
const HINT = / Did you mean [^?]*\?/g;

/** Makes the errors of a result public. @param requestId of the request that they belong to */
export type PublicErrors = (errors: readonly unknown[], requestId: string) => readonly GraphQLError[];

/** Options of `createPublicErrors`. */
export interface PublicErrorsOptions {
  /** Called with unexpected errors, and with outages. */
  readonly log: (cause: unknown, requestId: string) => void;
  /** Whether messages may suggest names of the schema that the client did not send. */
  readonly hints: boolean;
}

/**
 * Creates the function that turns any errors into errors that a client may see: each with one of the known codes, a
 * short message, and nothing of its cause; together in the order of the document, and short enough. An unexpected
 * error becomes INTERNAL_SERVER_ERROR, and is logged.
 */
export function createPublicErrors({ log, hints }: PublicErrorsOptions): PublicErrors {
  function publicError(error: unknown, requestId: string): GraphQLError {
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
  }
  return (errors, requestId) =>
    firstThatFit(errors.map((error) => publicError(error, requestId)).toSorted(inOrder));
}

/** What a resolver threw, without the error that locates it; the error itself where all of it is GraphQL's. */
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
  // yoga answers 200 to `Accept: application/json` even where the parameters are no request: that is 400 for everyone.
  const status = typeof http === 'object' && code === 'BAD_REQUEST' ? { ...http, spec: false } : http;
  return new GraphQLError(cause.message, {
    extensions: { code: ourCode(code), ...(status != null && { http: status }) },
  });
}

/** Whether a dependency of the server is unavailable, which is logged though its error is public. */
function isOutage(cause: unknown): cause is Error {
  return cause instanceof KeySetUnavailableError || cause instanceof StoreUnavailable;
}

/** graphql-js gives no code to arguments that cannot be coerced, and yoga has codes of its own. */
function ourCode(code: unknown): ErrorCode {
  return ERROR_CODES.find((known) => known === code) ?? 'BAD_USER_INPUT';
}

/** Whether the parser, which is recursive, ran out of stack. */
function isStackOverflow(cause: unknown): boolean {
  return cause instanceof RangeError && cause.message.includes('call stack');
}

function shownPath(error: GraphQLError | null): GraphQLError['path'] | null {
  return error?.path !== undefined && JSON.stringify(error.path).length <= MAX_PATH ? error.path : null;
}

function shorten(message: string): string {
  return message.length <= MAX_MESSAGE ? message : `${message.slice(0, MAX_MESSAGE).toWellFormed()}…`;
}

function firstThatFit(errors: readonly GraphQLError[]): readonly GraphQLError[] {
  let length = 0;
  return errors.filter((error, index) => {
    length += Buffer.byteLength(JSON.stringify(error));
    return index === 0 || length <= MAX_BYTES;
  });
}

const START = { line: 0, column: 0 };

/** The order of the document and of its lists. The order in which errors happened differs from time to time. */
function inOrder(a: GraphQLError, b: GraphQLError): number {
  const [at = START] = a.locations ?? [];
  const [other = START] = b.locations ?? [];
  return at.line - other.line || at.column - other.column || byPath(a.path ?? [], b.path ?? []);
}

type Path = readonly (string | number)[];

function byPath(a: Path, b: Path): number {
  const index = a.findIndex((key, i) => key !== b[i]);
  const key = a[index];
  const other = b[index];
  if (key === undefined || other === undefined) return a.length - b.length;
  return key < other ? -1 : 1;
}
