import type { IncomingMessage, RequestListener } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Authenticate } from '../auth/authenticator.ts';
import { createRateLimiter } from '../auth/rate-limiter.ts';
import { createDocuments } from '../graphql/documents.ts';
import { createResults } from '../graphql/operation-result.ts';
import { createPublicErrors } from '../graphql/public-error.ts';
import { createPipeline } from '../graphql/run-operation.ts';
import type { TrustedDocuments } from '../graphql/trusted-documents.ts';
import { REQUEST_TIME } from '../limits.ts';
import type { RequestObserver } from '../observability/completed-request.ts';
import { createRequestReporter } from '../observability/request-reporter.ts';
import type { StartTrace } from '../observability/request-spans.ts';
import { schema } from '../schema/schema.ts';
import type { Stores } from '../store/stores.ts';
import type { ChangeFeed } from '../subscriptions/change-feed.ts';
import type { ClaimWaiters } from '../subscriptions/claim-waiters.ts';
import { createEventRateLimiter } from '../subscriptions/event-rate-limiter.ts';
import type { Subscribers } from '../subscriptions/subscribers.ts';
import type { Waits } from '../subscriptions/waits.ts';
import { createCallerAdmission, createRequestAdmission } from './admission.ts';
import type { ApiConfig } from './api-config.ts';
import { createCorsHeaders } from './cors.ts';
import { createJsonHandler, isForJsonHandler } from './json-handler.ts';
import { createUpgradeHandler } from './streams/upgrade-handler.ts';
import { createWebSocketHandler } from './streams/websocket.ts';
import type { Routes } from './yoga/use-routes.ts';
import { createYogaHandler, type YogaPlugin } from './yoga/yoga-handler.ts';

/** What the API consists of. */
export interface ApiParts extends Routes, ApiConfig {
  /** Opens the stores for one request. */
  readonly openStores: () => Stores;
  readonly changes: ChangeFeed;
  readonly waits: Waits;
  readonly claimWaiters: ClaimWaiters;
  readonly subscribers: Subscribers;
  readonly authenticate: Authenticate;
  /** Null where there are none. */
  readonly trustedDocuments: TrustedDocuments | null;
  /** Called with unexpected errors: the causes of INTERNAL_SERVER_ERROR. */
  readonly log: (cause: unknown, requestId: string) => void;
  readonly observers: readonly RequestObserver[];
  /** Null where requests are not traced. */
  readonly startTrace: StartTrace | null;
  /** How long a request may run, in milliseconds. Default: `REQUEST_TIME`. */
  readonly requestTime?: number;
  /** More plugins of yoga, which serves all that is no POST to the API and no stream. Default: none. */
  readonly plugins?: readonly YogaPlugin[];
}

/** The API over HTTP. */
export interface Api {
  /** Answers a request. */
  readonly handle: RequestListener;
  /** Answers an upgrade request: WebSocket at the API's path. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Closes the open WebSockets. */
  close(): void;
}

/** Creates the API: one pipeline, and the adapters around it. */
export function createApi(parts: ApiParts): Api {
  const { introspection, log, rateLimit, requestTime = REQUEST_TIME, trustedDocuments } = parts;
  const results = createResults(createPublicErrors({ log, hints: introspection }));
  const documents = createDocuments({ schema, introspection, trusted: trustedDocuments });
  const runOperation = createPipeline({
    ...parts,
    schema,
    documents,
    results,
    eventRateLimiter: createEventRateLimiter(),
    requestTimeout: requestTime,
  });
  const rateLimiter = rateLimit === null ? null : createRateLimiter({ rate: rateLimit });
  const report = createRequestReporter(parts.observers);
  const corsHeaders = createCorsHeaders(parts.corsOrigins);
  const admitCaller = createCallerAdmission({ introspection, rateLimiter });
  const shared = {
    ...parts,
    admit: createRequestAdmission(parts.authenticate, admitCaller),
    runOperation,
    results,
    report,
  };
  const handleJson = createJsonHandler({ ...shared, corsHeaders });
  const handleByYoga = createYogaHandler(shared);
  const sockets = createWebSocketHandler({ ...shared, admitCaller });
  return {
    handle: (request, response) =>
      isForJsonHandler(request) ? handleJson(request, response) : handleByYoga(request, response),
    upgrade: createUpgradeHandler(sockets, parts.corsOrigins, report),
    close: () => sockets.close(),
  };
}
