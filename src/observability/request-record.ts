import type { OperationTypeNode } from 'graphql';
import type { ErrorCode } from '../errors.ts';
import type { Owner } from '../store/owner.ts';
import { REQUEST_ID_HEADER, requestIdFrom } from './request-id.ts';

/** What the plugins note about a request on its way, for those who observe. */
export interface Notes {
  readonly requestId: string;
  /** By the clock of `performance.now()`, in milliseconds. */
  readonly startedAt: number;
  /** Whom the token speaks for; null until it is verified. */
  owner: Owner | null;
  /** The operation that runs; null until its document is parsed. */
  operation: { readonly name: string | null; readonly type: OperationTypeNode } | null;
  /** The objects that the request could return; null until that is worked out. */
  cost: number | null;
  /** 32 hex digits; null where nothing is traced. */
  traceId: string | null;
  /** The first error that went out. */
  error: { readonly code: ErrorCode | null } | null;
  /** Whether the observers know of it. */
  told: boolean;
}

/** The notes about a request. They begin when they are first asked for, and go with the request. */
export function notesOf(request: Request): Notes {
  return notes.get(request) ?? keepNotes(request, beginNotes(request.headers.get(REQUEST_ID_HEADER)));
}

/** Notes about a request that has just arrived. @param requestId the value of its `X-Request-Id` */
export function beginNotes(requestId: string | null | undefined): Notes {
  return {
    requestId: requestIdFrom(requestId),
    startedAt: performance.now(),
    owner: null,
    operation: null,
    cost: null,
    traceId: null,
    error: null,
    told: false,
  };
}

/** Makes notes those about a request. */
export function keepNotes(request: Request, begun: Notes): Notes {
  notes.set(request, begun);
  return begun;
}

const notes = new WeakMap<Request, Notes>();
