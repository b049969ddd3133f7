import { type DocumentNode, getOperationAST, type OperationDefinitionNode } from 'graphql';
import { GRAPHQL_PATH } from '../http/yoga/use-routes.ts';
import type { Answered, Observer } from './completed-request.ts';
import type { Notes } from './request-record.ts';

/** As much of an operation's name as anybody reads, in characters. */
const MAX_NAME = 100;

/** What a request was for. */
export interface Asked {
  readonly method: string;
  readonly path: string;
}

/** Tells the observers that a request is over, unless they know. @param status null when the client went before */
export type Tell = (asked: Asked, notes: Notes, status: number | null, aborted: boolean) => void;

/** Makes what tells these observers. */
export function createTell(observers: readonly Observer[]): Tell {
  return (asked, notes, status, aborted) => {
    if (notes.told) return;
    notes.told = true;
    const answered = describe(asked, notes, status, aborted);
    for (const observe of observers) observe(answered, notes);
  };
}

/** The operation of a document that runs, which is noted; null when it leaves open which that is. */
export function noteOperation(
  notes: Notes,
  document: DocumentNode,
  operationName: string | null | undefined,
): OperationDefinitionNode | null {
  const operation = getOperationAST(document, operationName) ?? null;
  if (operation === null) return null;
  const name = operation.name?.value.slice(0, MAX_NAME) ?? null;
  notes.operation = { name, type: operation.operation };
  return operation;
}

function describe({ method, path }: Asked, notes: Notes, status: number | null, aborted: boolean): Answered {
  const failed = notes.error !== null || (status !== null && status >= 400);
  return {
    requestId: notes.requestId,
    method: METHODS.has(method) ? method : OTHER,
    path: PATHS.has(path) ? path : OTHER,
    operationName: notes.operation?.name ?? null,
    operationType: notes.operation?.type ?? null,
    owner: notes.owner,
    status,
    duration: performance.now() - notes.startedAt,
    cost: notes.cost,
    outcome: aborted ? 'aborted' : failed ? 'error' : 'ok',
    errorCode: notes.error?.code ?? null,
    traceId: notes.traceId,
  };
}

const OTHER = '(other)';
const METHODS = new Set(['GET', 'HEAD', 'POST', 'OPTIONS', 'PUT', 'PATCH', 'DELETE']);
const PATHS = new Set([GRAPHQL_PATH, '/health', '/ready']);
