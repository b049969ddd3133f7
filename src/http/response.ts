import type { ServerResponse } from 'node:http';
import type { ResultType } from '../graphql/caller.ts';
import type { OperationResult } from '../graphql/operation-result.ts';
import { REQUEST_ID_HEADER } from '../observability/request-id.ts';
import type { HeaderList } from './cors.ts';
import { NOSNIFF } from './nosniff.ts';

/** Status and headers of a response with one result. */
export interface ResultHead {
  readonly status: number;
  readonly headers: HeaderList;
}

/**
 * The head that a result's errors ask for: the highest status among them, and all of their headers. Errors of parsing
 * and validation are 200 for `application/json`: https://graphql.github.io/graphql-over-http/draft/#sec-application-json
 */
export function headOf({ http, errors, hasData }: OperationResult, type: ResultType): ResultHead {
  if (hasData && errors.length === 0) return OK;
  const headers: string[] = [];
  let status = 0;
  for (const hint of http) {
    for (const [name, value] of Object.entries(hint.headers ?? {})) headers.push(name, value);
    const isOk = hint.spec === true && type === 'application/json';
    status = Math.max(status, isOk ? 200 : hint.status);
  }
  return { status: status || (hasData ? 200 : 500), headers };
}

/** Sends a response with one result. Returns its status. */
export function sendResult(
  response: ServerResponse,
  result: OperationResult,
  type: ResultType,
  requestId: string,
  cors: HeaderList,
): number {
  const { status, headers } = headOf(result, type);
  response
    .writeHead(status, [
      ...NOSNIFF,
      'Content-Type',
      `${type}; charset=utf-8`,
      'Content-Length',
      String(result.json.length),
      REQUEST_ID_HEADER,
      requestId,
      ...cors,
      ...headers,
    ])
    .end(result.json, 'latin1');
  return status;
}

const OK: ResultHead = { status: 200, headers: [] };
