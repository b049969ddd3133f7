import { randomBytes } from 'node:crypto';
import type { Plugin } from 'graphql-yoga';
import { andThen, type MaybePromise } from '../../lib/maybe-promise.ts';
import { GRAPHQL_PATH, HEALTH_PATH, READY_PATH } from '../../lib/paths.ts';
import type { RequestRecord } from '../../observability/request-record.ts';
import { errorBody, unexpectedBody } from '../error-body.ts';
import { prefersHtml } from '../media-types.ts';
import { ASSETS_PATH, graphiqlAssets } from './graphiql-assets.ts';
import { isPrivateRequest } from './is-private-request.ts';
import { pageHeaders } from './page-headers.ts';

/** The handlers of the paths besides the API's. */
export interface Routes {
  /** Whether requests are served. */
  readonly isReady: () => MaybePromise<boolean>;
  /**
   * Renders the page that browsers get at the API's path, to which `/` redirects them; null without one. Only scripts
   * with the nonce run. Tokens are for private requests alone.
   */
  readonly page: ((nonce: string, isPrivate: boolean) => MaybePromise<string>) | null;
}

/**
 * Answers `/health`, `/ready` and the page, redirects browsers from `/` to it, and refuses unknown paths. Only exact
 * paths count.
 * @param log called when the page cannot be rendered
 */
export function useRoutes(
  { isReady, page }: Routes,
  log: (cause: unknown, requestId: string) => void,
): Plugin<object, { readonly record: RequestRecord }> {
  return {
    onRequest({ request, fetchAPI, endResponse, serverContext: { record } }): MaybePromise<void> {
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
      const sendAsset = async (path: string): Promise<void> => {
        const asset = Object.values(await graphiqlAssets()).find((one) => one.path === path);
        if (asset === undefined) return answer(NOT_FOUND, 404, 'application/json');
        const { body, encoding } = await asset.encoded(request.headers.get('accept-encoding') ?? undefined);
        const headers = {
          'Content-Type': asset.contentType,
          'Cache-Control': 'public, max-age=31536000, immutable',
          Vary: 'Accept-Encoding',
          ...(encoding !== null && { 'Content-Encoding': encoding }),
        };
        endResponse(new fetchAPI.Response(request.method === 'HEAD' ? null : body, { status: 200, headers }));
      };
      const isForBrowser =
        page !== null && request.method === 'GET' && prefersHtml(request.headers.get('accept') ?? undefined);
      switch (record.path) {
        case '/':
          if (!isForBrowser) return answer(NOT_FOUND, 404, 'application/json');
          return answer('', 302, 'text/plain', { Location: GRAPHQL_PATH });
        case HEALTH_PATH:
          return probe(true);
        case READY_PATH:
          return andThen(isReady(), probe);
        case GRAPHQL_PATH: {
          if (!isForBrowser) return undefined;
          const nonce = randomBytes(16).toString('base64');
          // yoga would answer with the stack.
          return Promise.resolve(isPrivateRequest(request.headers))
            .then((isPrivate) => page(nonce, isPrivate))
            .then(
              (html) => answer(html, 200, 'text/html', pageHeaders(nonce)),
              (cause: unknown) => {
                log(cause, record.requestId);
                answer(unexpectedBody(record.requestId), 500, 'application/json');
              },
            );
        }
        default:
          if (page !== null && record.path.startsWith(ASSETS_PATH)) return sendAsset(record.path);
          return answer(NOT_FOUND, 404, 'application/json');
      }
    },
  };
}

const NO_METHOD = errorBody('BAD_USER_INPUT', 'This path only answers GET and HEAD.');
const NOT_FOUND = errorBody('BAD_USER_INPUT', `Not found: the API is at ${GRAPHQL_PATH}.`);
