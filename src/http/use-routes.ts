import type { Plugin } from 'graphql-yoga';
import type { MaybePromise } from '../maybe-promise.ts';
import { errorBody } from './error-body.ts';

/** Where the API is. */
export const GRAPHQL_PATH = '/graphql';

/** What the paths besides the API's answer. */
export interface Routes {
  /** Whether a request would be served. */
  readonly isReady: () => boolean;
  /** The page that browsers get at the API's path; null where there is none. */
  readonly page: (() => MaybePromise<string>) | null;
}

/**
 * Answers `/health`, `/ready` and the page, and refuses unknown paths. Only exact paths count.
 * @param log told why the page could not be made
 */
export function useRoutes({ isReady, page }: Routes, log: (cause: unknown) => void): Plugin {
  return {
    onRequest({ request, url, fetchAPI, endResponse }): MaybePromise<void> {
      const answer = (body: string, status = 200, type = 'text/plain'): void => {
        const headers = { 'Content-Type': `${type}; charset=utf-8`, 'Cache-Control': 'no-store' };
        endResponse(new fetchAPI.Response(request.method === 'HEAD' ? null : body, { status, headers }));
      };
      switch (url.pathname) {
        case '/health':
          return answer('ok\n');
        case '/ready':
          return isReady() ? answer('ok\n') : answer('not ready\n', 503);
        case GRAPHQL_PATH:
          if (page === null || request.method !== 'GET' || !wantsPage(request)) return undefined;
          // yoga would answer with the stack.
          return Promise.resolve()
            .then(page)
            .then(
              (html) => answer(html, 200, 'text/html'),
              (cause: unknown) => {
                log(cause);
                answer(NO_PAGE, 500, 'application/json');
              },
            );
        default:
          return answer(NOT_FOUND, 404, 'application/json');
      }
    },
  };
}

const NO_PAGE = errorBody('INTERNAL_SERVER_ERROR', 'Unexpected error.');
const NOT_FOUND = errorBody('BAD_USER_INPUT', `Not found: the API is at ${GRAPHQL_PATH}.`);

function wantsPage(request: Request): boolean {
  return request.headers.get('accept')?.includes('text/html') ?? false;
}
