import type { OperationDefinitionNode, OperationTypeNode } from 'graphql';
import type { ErrorCode } from '../errors.ts';
import type { Owner } from '../store/owner.ts';
import type { Stores } from '../store/stores.ts';
import { requestIdFrom } from './request-id.ts';

/** What is recorded about a request while it is processed. */
export interface RequestRecord {
  readonly requestId: string;
  readonly method: string;
  /** The path, without query. */
  readonly path: string;
  /** When the request arrived, by the clock of `performance.now()`, in milliseconds. */
  readonly startedAt: number;
  /** The owner in the token; null until it is verified. */
  owner: Owner | null;
  /** Whether that is the name of a worker of all owners. */
  isWorker: boolean;
  /** The operation that runs; null until its document is parsed. */
  operation: { readonly name: string | null; readonly type: OperationTypeNode } | null;
  /** The number of objects that the request could return; null until it is computed. */
  cost: number | null;
  /** The code of the first error that the client got, and the messages of the errors that came with it. */
  error: { readonly code: ErrorCode | null; readonly messages: readonly string[] } | null;
  /** The trace of the request; null where it is not traced. */
  readonly trace: RequestTrace | null;
  /** Whether the observers have been called. */
  isReported: boolean;
}

/** The spans of a traced request. */
export interface RequestTrace {
  /** 32 hex digits. */
  readonly traceId: string;
  /** The header that continues the trace elsewhere: https://www.w3.org/TR/trace-context/#traceparent-header */
  readonly traceparent: string;
  /** Begins a span, and returns the function that ends it. */
  begin(name: string): () => void;
  /** Begins a span with a span inside for each call of these stores. */
  beginExecution(name: string, stores: Stores): { readonly stores: Stores; end(): void };
}

/** Begins the record of a request that has just arrived. @param requestId the value of its `X-Request-Id` */
export function beginRecord(
  method: string,
  path: string,
  requestId: string | null | undefined,
  trace: RequestTrace | null,
): RequestRecord {
  return {
    requestId: requestIdFrom(requestId),
    method,
    path,
    startedAt: performance.now(),
    owner: null,
    isWorker: false,
    operation: null,
    cost: null,
    error: null,
    trace,
    isReported: false,
  };
}

/** How much of an operation's name is recorded, in characters. */
const MAX_NAME = 100;

/** Records which operation runs. */
export function recordOperation(record: RequestRecord, { name, operation }: OperationDefinitionNode): void {
  record.operation = { name: name?.value.slice(0, MAX_NAME) ?? null, type: operation };
}
