import type { RequestListener } from 'node:http';
import { REQUEST_ID_HEADER, requestIdFrom } from '../../observability/request-id.ts';
import { errorBody } from '../error-body.ts';
import { NOSNIFF } from '../nosniff.ts';
import { targetOf } from './request-target.ts';

/** Called when bytes that are no request were answered. */
export type OnRefused = (status: number, requestId: string) => void;

/** Lets a handler see requests with a valid path and `Host` alone, each with its path in `url`; refuses the others. */
export function withTarget(handler: RequestListener, onRefused: OnRefused): RequestListener {
  return (request, response) => {
    const target = targetOf(request);
    if (target === null) {
      const requestId = requestIdFrom(request.headersDistinct['x-request-id']?.[0]);
      onRefused(400, requestId);
      response.setHeader(...NOSNIFF);
      response.setHeader(REQUEST_ID_HEADER, requestId);
      response.writeHead(400, { 'Content-Type': 'application/json; charset=utf-8' }).end(NO_TARGET);
      return;
    }
    request.url = target;
    handler(request, response);
  };
}

const NO_TARGET = errorBody('BAD_USER_INPUT', 'The Host header and the path of the request make no URL.');
