import type { Plugin } from 'graphql-yoga';
import { andThen, type MaybePromise } from '../maybe-promise.ts';
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

/** Answers `/health`, `/ready` and the page, and refuses unknown paths. Only exact paths count. */
export function useRoutes({ isReady, page }: Routes): Plugin {
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
          return andThen(page(), (html) => answer(html, 200, 'text/html'));
        default:
          return answer(NOT_FOUND, 404, 'application/json');
      }
    },
  };
}

const NOT_FOUND = errorBody('BAD_USER_INPUT', `Not found: the API is at ${GRAPHQL_PATH}.`);

function wantsPage(request: Request): boolean {
  return request.headers.get('accept')?.includes('text/html') ?? false;
}
