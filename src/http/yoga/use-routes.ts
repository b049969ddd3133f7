import { randomBytes } from 'node:crypto';
import type { Plugin } from 'graphql-yoga';
import { andThen, type MaybePromise } from '../../lib/maybe-promise.ts';
import { notesOf } from '../../observability/request-record.ts';
import { errorBody, unexpectedBody } from '../error-body.ts';
import { pageHeaders } from './page-headers.ts';

/** Where the API is. */
export const GRAPHQL_PATH = '/graphql';

/** What the paths besides the API's answer. */
export interface Routes {
  /** Whether a request would be served. */
  readonly isReady: () => MaybePromise<boolean>;
  /** The page that browsers get at the API's path; null where there is none. Only scripts with the nonce run. */
  readonly page: ((nonce: string) => MaybePromise<string>) | null;
}

/**
 * Answers `/health`, `/ready` and the page, and refuses unknown paths. Only exact paths count.
 * @param log told why the page could not be made
 */
export function useRoutes(
  { isReady, page }: Routes,
  log: (cause: unknown, requestId: string) => void,
): Plugin {
  return {
    onRequest({ request, fetchAPI, endResponse }): MaybePromise<void> {
      const answer = (body: string, status = 200, type = 'text/plain', more = {}): void => {
        const headers = { 'Content-Type': `${type}; charset=utf-8`, 'Cache-Control': 'no-store', ...more };
        endResponse(new fetchAPI.Response(request.method === 'HEAD' ? null : body, { status, headers }));
      };
      const probe = (good: boolean): void => {
        const isRead = request.method === 'GET' || request.method === 'HEAD';
        if (!isRead) answer(NO_METHOD, 405, 'application/json', { Allow: 'GET, HEAD' });
        else if (good) answer('ok\n');
        else answer('not ready\n', 503);
      };
      switch (pathOf(request.url)) {
        case '/health':
          return probe(true);
        case '/ready':
          return andThen(isReady(), probe);
        case GRAPHQL_PATH: {
          if (page === null || request.method !== 'GET' || !wantsPage(request)) return undefined;
          const nonce = randomBytes(16).toString('base64');
          // yoga would answer with the stack.
          return Promise.resolve(nonce)
            .then(page)
            .then(
              (html) => answer(html, 200, 'text/html', pageHeaders(nonce)),
              (cause: unknown) => {
                const { requestId } = notesOf(request);
                log(cause, requestId);
                answer(unexpectedBody(requestId), 500, 'application/json');
              },
            );
        }
        default:
          return answer(NOT_FOUND, 404, 'application/json');
      }
    },
  };
}

const NO_METHOD = errorBody('BAD_USER_INPUT', 'This path only answers GET and HEAD.');
const NOT_FOUND = errorBody('BAD_USER_INPUT', `Not found: the API is at ${GRAPHQL_PATH}.`);

/** The path of a URL as it was sent. A parsed URL has lost the `..` in `/x/../health`, and would be taken for another. */
export function pathOf(url: string): string {
  return /^[^:]+:\/\/[^/?#]*([^?#]*)/.exec(url)?.[1] ?? '';
}

function wantsPage(request: Request): boolean {
  return request.headers.get('accept')?.includes('text/html') ?? false;
}
