import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createYoga, type Plugin } from 'graphql-yoga';
import { GRAPHQL_PATH } from '../../lib/paths.ts';
import { beginRecord, type RequestRecord } from '../../observability/request-record.ts';
import { isProbe } from '../../observability/probes.ts';
import { REQUEST_ID_HEADER } from '../../observability/request-id.ts';
import type { ReportRequest } from '../../observability/request-reporter.ts';
import type { StartTrace } from '../../observability/request-spans.ts';
import { corsOptions, type CorsOrigins } from '../cors.ts';
import { NOSNIFF } from '../nosniff.ts';
import { asGraphQLError, type PipelinePluginParts, usePipeline } from './use-pipeline.ts';
import { type Routes, useRoutes } from './use-routes.ts';

/** What yoga gets with each request. */
export interface YogaServerContext extends Record<string, unknown> {
  readonly record: RequestRecord;
}

/** What yoga's handler consists of. */
export interface YogaHandlerParts extends PipelinePluginParts, Routes {
  readonly corsOrigins: CorsOrigins;
  readonly report: ReportRequest;
  /** Null where requests are not traced. */
  readonly startTrace: StartTrace | null;
  /** Called with unexpected errors. */
  readonly log: (cause: unknown, requestId: string) => void;
  /** More plugins, which come before the routes. They see the requests that yoga's handler gets. Default: none. */
  readonly plugins?: readonly YogaPlugin[];
}

/** A plugin of yoga. */
export type YogaPlugin = Plugin<object, YogaServerContext>;

/**
 * Creates the handler of the requests that the JSON handler does not take: GET, GraphiQL, preflight requests, health
 * checks.
 */
export function createYogaHandler(parts: YogaHandlerParts): RequestListener {
  const { report, startTrace } = parts;
  const yoga = createYoga<YogaServerContext>({
    graphqlEndpoint: GRAPHQL_PATH,
    maskedErrors: { maskError: asGraphQLError },
    logging: false,
    cors: corsOptions(parts.corsOrigins),
    multipart: false,
    parserAndValidationCache: false,
    // These answer any path that ends like theirs. `useRoutes` takes their place: no URL ends with a space.
    healthCheckEndpoint: ' ',
    graphiql: false,
    landingPage: false,
    plugins: [
      useResponseHeaders(report),
      ...(parts.plugins ?? []),
      useRoutes(parts, parts.log),
      usePipeline(parts),
    ],
  });
  return (request: IncomingMessage, response: ServerResponse) => {
    const { method = 'GET', url = '', headers } = request;
    const path = url.split('?', 1)[0] ?? '';
    const trace = isProbe(path) ? null : (startTrace?.(headers) ?? null);
    const record = beginRecord(method, path, headers['x-request-id']?.toString(), trace);
    response.setHeader(...NOSNIFF);
    response.on('close', () => report(record, response.headersSent ? response.statusCode : null, true));
    void yoga(request, response, { record });
  };
}

/** Adds the headers of each response, and reports the request. */
function useResponseHeaders(report: ReportRequest): Plugin<object, YogaServerContext> {
  return {
    onResponse({ response, serverContext: { record } }) {
      response.headers.append('Vary', 'Origin');
      response.headers.set(REQUEST_ID_HEADER, record.requestId);
      report(record, response.status, false);
    },
  };
}
