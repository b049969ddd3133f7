import type { OperationTypeNode } from 'graphql';
import type { ErrorCode } from '../errors.ts';
import type { Owner } from '../store/owner.ts';
import type { Notes } from './request-record.ts';

/** How a request ended. */
export const OUTCOMES = ['ok', 'error', 'aborted'] as const;

/** A request that is answered, or a stream that has ended. */
export interface Answered {
  readonly requestId: string;
  readonly method: string;
  /** One of the server's own paths, or `(other)`: what else a client asks for may hold anything. */
  readonly path: string;
  /** The name that the document gives to the operation; null without one, or when it did not parse. */
  readonly operationName: string | null;
  /** Null when no document was parsed. */
  readonly operationType: OperationTypeNode | null;
  readonly owner: Owner | null;
  /** The HTTP status; null when the client went away before there was one. */
  readonly status: number | null;
  /** From the arrival of the headers until the answer was ready, or the stream over, in milliseconds. */
  readonly duration: number;
  /** The objects that it could have returned; null when that was not worked out. */
  readonly cost: number | null;
  readonly outcome: (typeof OUTCOMES)[number];
  /** The code of the first error in the answer, where there is one. */
  readonly errorCode: ErrorCode | null;
  readonly traceId: string | null;
}

/** Told of each request once, and of whose notes it is made. Must not throw. */
export type Observer = (answered: Answered, notes: Notes) => void;
