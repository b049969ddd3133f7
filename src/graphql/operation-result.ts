import { GraphQLError } from 'graphql';
import { apiError, ERROR_CODES, type HttpHint, httpHintOf } from '../errors.ts';
import { MAX_RESPONSE_BYTES } from '../limits.ts';
import { ResponseTooLarge, type Serialize, serializeAny, toBytes } from './execution/serialize.ts';
import type { RequestRecord } from '../observability/request-record.ts';
import type { PublicErrors } from './public-error.ts';

/** A result of an operation: the response of a request, or one of a subscription's. */
export interface OperationResult {
  /** The result as JSON, with one character for each byte of its UTF-8. */
  readonly json: string;
  /** Its errors, which are public. */
  readonly errors: readonly GraphQLError[];
  /** Whether it has `data`, which may be null: without, the request failed before its execution. */
  readonly hasData: boolean;
  /** Whether its `data` is null or absent. */
  readonly isEmpty: boolean;
  /** What its errors mean for an HTTP response. */
  readonly http: readonly HttpHint[];
  /** Its frame for the last transport that sent it. Most subscribers of an event have the same transport. */
  frame: unknown;
  /** Called where the client does not get the result. Absent where nothing depends on it. */
  readonly onUndelivered?: () => void;
}

/** The outcome of an execution. */
export interface Execution {
  /** The completed data: an object, or null. */
  readonly data: unknown;
  readonly errors: readonly unknown[];
  /** Serializes the data. Default: as `JSON.stringify` does. */
  readonly serialize?: Serialize;
  readonly isMutation: boolean;
}

/** Creates results whose errors are public. */
export interface Results {
  /** The result of a request that failed before its execution. @param error several where it is an AggregateError */
  failed(error: unknown, requestId: string): OperationResult;
  /** The result of an execution. */
  executed(execution: Execution, requestId: string): OperationResult;
  /** The result of an execution without errors, whose data is JSON already. */
  serialized(data: string, requestId: string): OperationResult;
}

/** @param publicErrors makes errors public */
export function createResults(publicErrors: PublicErrors): Results {
  function withErrors(errors: readonly unknown[], requestId: string, data?: string): OperationResult {
    const shown = publicErrors(errors, requestId);
    const sent = shown.map(withoutHttp);
    const text = toBytes(JSON.stringify(sent));
    return {
      json: data === undefined ? `{"errors":${text}}` : `{"errors":${text},"data":${data}}`,
      errors: sent,
      hasData: data !== undefined,
      isEmpty: data === undefined || data === 'null',
      http: shown.map(httpHintOf).filter((hint) => hint !== null),
      frame: null,
    };
  }

  return {
    failed: (error, requestId) =>
      withErrors(error instanceof AggregateError ? error.errors : [error], requestId),
    executed({ data, errors, serialize = serializeAny, isMutation }, requestId) {
      let result: OperationResult | null = null;
      try {
        const json = data === null ? 'null' : serialize(data, { bytes: 0, limit: MAX_RESPONSE_BYTES });
        result = errors.length > 0 ? withErrors(errors, requestId, json) : withData(json);
      } catch (error) {
        if (!(error instanceof ResponseTooLarge)) return withErrors([error], requestId);
      }
      if (result !== null && result.json.length <= MAX_RESPONSE_BYTES) return result;
      return withErrors([tooLarge(isMutation)], requestId, 'null');
    },
    serialized(data, requestId) {
      const result = withData(data);
      if (result.json.length <= MAX_RESPONSE_BYTES) return result;
      return withErrors([tooLarge(false)], requestId, 'null');
    },
  };
}

/** Serializes the data of an execution. Null where there are errors, that of the serialization included. */
export function serializeData({ data, errors, serialize = serializeAny }: Execution): string | null {
  if (errors.length > 0) return null;
  try {
    return serialize(data, { bytes: 0, limit: MAX_RESPONSE_BYTES });
  } catch {
    return null;
  }
}

/** Records the first errors that the client gets. */
export function recordError(record: RequestRecord, { errors }: OperationResult): void {
  const [first] = errors;
  if (first === undefined) return;
  record.error ??= {
    code: ERROR_CODES.find((code) => code === first.extensions['code']) ?? null,
    messages: errors.map(({ message }) => message),
  };
}

const NONE: readonly never[] = [];

function withData(data: string): OperationResult {
  return {
    json: `{"data":${data}}`,
    errors: NONE,
    hasData: true,
    isEmpty: data === 'null',
    http: NONE,
    frame: null,
  };
}

function withoutHttp(error: GraphQLError): GraphQLError {
  const { message, source, positions, path } = error;
  const { http: _, ...extensions } = error.extensions;
  return new GraphQLError(message, { source, positions, path, extensions });
}

function tooLarge(isMutation: boolean): GraphQLError {
  const limit = `The response would have more than ${MAX_RESPONSE_BYTES.toLocaleString('en')} bytes`;
  return apiError(
    'LIMIT_EXCEEDED',
    isMutation
      ? `${limit}: select less. The mutation has been carried out.`
      : `${limit}: select less, or ask for smaller pages.`,
  );
}
