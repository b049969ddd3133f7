/** A request that the server refused, or that did not reach it. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  /** The code of the server's first error, or `UNAVAILABLE` without one. */
  readonly code: string;
  /** Whether the same request may succeed later. */
  readonly isTemporary: boolean;
  /** Seconds that the server asks to wait; null where it says nothing. */
  readonly retryAfter: number | null;

  constructor(message: string, options: RequestErrorOptions) {
    super(message, { cause: options.cause });
    this.code = options.code;
    this.isTemporary = options.isTemporary;
    this.retryAfter = options.retryAfter ?? null;
  }
}

interface RequestErrorOptions {
  readonly code: string;
  readonly isTemporary: boolean;
  readonly retryAfter?: number | null;
  readonly cause?: unknown;
}

/** The connection failed, or broke off. */
export function connectionLost(cause?: unknown): RequestError {
  const reason = cause instanceof Error ? `: ${cause.message}` : '';
  return new RequestError(`The connection to the server failed${reason}.`, {
    code: 'UNAVAILABLE',
    isTemporary: true,
    cause,
  });
}

/** An error of a GraphQL response. */
export interface GraphQLErrorBody {
  readonly message: string;
  readonly extensions?: { readonly code?: string };
}

/** The first error of a response. @param response its status and headers; null for an error in a stream */
export function requestErrorOf(errors: readonly GraphQLErrorBody[], response: Response | null): RequestError {
  const status = response?.status ?? 200;
  const [{ message, extensions } = { message: `The server answered with HTTP status ${status}.` }] = errors;
  const code = extensions?.code ?? (status >= 500 ? 'UNAVAILABLE' : 'BAD_RESPONSE');
  const retryAfter = Number(response?.headers.get('retry-after') ?? Number.NaN);
  return new RequestError(message, {
    code,
    isTemporary: response === null ? !PERMANENT_CODES.has(code) : status >= 500 || TEMPORARY.has(status),
    retryAfter: Number.isNaN(retryAfter) ? null : retryAfter,
  });
}

/** Below 500: what took too long, or came too early or too often. */
const TEMPORARY: ReadonlySet<number> = new Set([408, 425, 429]);

/** In a stream, whose status is 200. LIMIT_EXCEEDED there is a quota, a rate, or a reader that was too slow. */
const PERMANENT_CODES: ReadonlySet<string> = new Set([
  'UNAUTHENTICATED',
  'BAD_USER_INPUT',
  'BAD_RESPONSE',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
]);
