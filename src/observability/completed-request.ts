import type { OperationTypeNode } from 'graphql';
import type { ErrorCode } from '../errors.ts';
import type { Owner } from '../store/owner.ts';
import type { RequestRecord } from './request-record.ts';

/** How a request ended. */
const OUTCOMES = ['ok', 'error', 'aborted'] as const;

/** A request whose response is ready, or whose stream has ended. */
export interface CompletedRequest {
  readonly requestId: string;
  /** The HTTP method, `WEBSOCKET` for an operation over a WebSocket, or `(other)`. */
  readonly method: string;
  /** One of the server's own paths, or `(other)`: the paths that clients make up may contain anything. */
  readonly path: string;
  /** The name of the operation in its document; null without one, or when it did not parse. */
  readonly operationName: string | null;
  /** Null when no document was parsed. */
  readonly operationType: OperationTypeNode | null;
  readonly owner: Owner | null;
  /** Whether that is the name of a worker of all owners. */
  readonly isWorker: boolean;
  /** The HTTP status; null when the client went away before there was one, and over a WebSocket. */
  readonly status: number | null;
  /** From the arrival of the headers until the response was ready, or the stream over, in milliseconds. */
  readonly duration: number;
  /** The number of objects that it could have returned; null when it was not computed. */
  readonly cost: number | null;
  readonly outcome: (typeof OUTCOMES)[number];
  /** The code of the first error in the response; null without one. */
  readonly errorCode: ErrorCode | null;
  readonly traceId: string | null;
}

/** Called once for each completed request, with its record. Must not throw. */
export type RequestObserver = (completed: CompletedRequest, record: RequestRecord) => void;
