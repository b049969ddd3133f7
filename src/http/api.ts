import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createYoga, type Plugin } from 'graphql-yoga';
import type { Authenticate } from '../auth/authenticator.ts';
import type { Changes } from '../subscriptions/change-feed.ts';
import type { Config } from '../config.ts';
import type { Context } from '../schema/context.ts';
import { type Begun, type HandedOver, useBegun, useExecuted } from './yoga/begun.ts';
import { corsFor, useVaryOrigin } from './cors.ts';
import { createFront } from './json-handler.ts';
import { NOSNIFF } from './nosniff.ts';
import { asGraphQLError, createPublicError } from '../graphql/public-error.ts';
import { useAcceptable } from './yoga/use-acceptable.ts';
import { useAuthentication } from './yoga/use-authentication.ts';
import { createDocuments, type Documents, useDocumentCache } from '../graphql/document-cache.ts';
import { useDocumentLimits } from '../graphql/limits/document-limits.ts';
import { useGoneReaders } from './yoga/use-gone-readers.ts';
import { useInputLimits } from '../graphql/limits/input-limits.ts';
import { useIntrospectionOff } from './yoga/use-introspection-off.ts';
import { useJsonOnly } from './yoga/use-json-only.ts';
import { usePublicErrors } from './yoga/use-public-errors.ts';
import { type Admit, createAdmission, useRateLimit } from './yoga/use-rate-limit.ts';
import { useRequestTime } from './yoga/use-request-time.ts';
import { GRAPHQL_PATH, type Routes, useRoutes } from './yoga/use-routes.ts';
import { useThenNames } from './yoga/use-then-names.ts';
import { useTrustedDocuments } from './yoga/use-trusted-documents.ts';
import { MAX_BODY_BYTES, REQUEST_TIME } from '../limits.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Observer } from '../observability/completed-request.ts';
import { createTell, type Tell } from '../observability/report-request.ts';
import { useObservation } from '../observability/use-observation.ts';
import { schema } from '../schema/schema.ts';
import type { Stores } from '../store/stores.ts';
import type { TrustedDocuments } from '../graphql/trusted-documents.ts';

/** What the API is made of. */
export interface ApiParts extends Routes, Pick<Config, 'corsOrigins' | 'introspection' | 'rateLimit'> {
  /** The stores as one request sees them. */
  readonly openStores: () => Stores;
  readonly changes: Changes;
  readonly authenticate: Authenticate;
  /** Null where there are none. */
  readonly trustedDocuments: TrustedDocuments | null;
  /** Told of what nobody foresaw: the causes of the answers with INTERNAL_SERVER_ERROR. */
  readonly log: (cause: unknown, requestId: string) => void;
  /** Told of each request once it is answered. */
  readonly observers: readonly Observer[];
  /** What traces requests, where they are traced. */
  readonly tracing: readonly Plugin<Context>[];
  /** How long a request may run, in milliseconds; `REQUEST_TIME` unless told. */
  readonly requestTime?: number;
}

/** Answers requests. */
export interface Api {
  /** As `fetch` would. */
  readonly fetch: (url: string, init: RequestInit) => MaybePromise<Response>;
  /** From Node's server: the ordinary ones directly, the others by yoga. */
  readonly handle: RequestListener;
  /** From Node's server, all of them by yoga. */
  readonly handleByYoga: RequestListener;
}

/** The API over HTTP. */
export function createApi(parts: ApiParts): Api {
  const {
    authenticate,
    rateLimit,
    requestTime = REQUEST_TIME,
    openStores,
    changes,
    trustedDocuments,
  } = parts;
  const documents = createDocuments();
  const admit = rateLimit === null ? null : createAdmission({ rate: rateLimit });
  const tell = createTell(parts.observers);
  const yoga = createLongWay(parts, { documents, admit, tell, requestTime });
  function byYoga(request: IncomingMessage, response: ServerResponse, begun?: Begun): void {
    response.setHeader(...NOSNIFF);
    void yoga(request, response, begun ? { begun } : {});
  }
  const front = createFront({
    schema,
    openStores,
    changes,
    authenticate,
    admit,
    trustedDocuments,
    documents,
    tell,
    requestTime,
    yoga: byYoga,
  });
  return {
    fetch: (url, init) => yoga.fetch(url, init),
    // Spans are made by plugins.
    handle: parts.tracing.length === 0 ? front : (request, response) => byYoga(request, response),
    handleByYoga: (request, response) => byYoga(request, response),
  };
}

/** What both ways have in common. */
interface Shared {
  readonly documents: Documents;
  readonly admit: Admit | null;
  readonly tell: Tell;
  readonly requestTime: number;
}

/** The way by yoga: a request goes through the plugins from top to bottom. */
function createLongWay(parts: ApiParts, { documents, admit, tell, requestTime }: Shared) {
  const { openStores, changes, introspection } = parts;
  const publicError = createPublicError(parts.log, { hints: introspection });
  return createYoga<HandedOver, Pick<Context, 'stores' | 'changes'>>({
    schema,
    context: () => ({ stores: openStores(), changes }),
    graphqlEndpoint: GRAPHQL_PATH,
    maskedErrors: { maskError: asGraphQLError },
    logging: false,
    cors: corsFor(parts.corsOrigins),
    multipart: false,
    maxRequestBodySize: MAX_BODY_BYTES,
    // It keeps what is invalid too, whatever its size; `useDocumentCache` takes its place.
    parserAndValidationCache: false,
    // These answer any path that ends like theirs; `useRoutes` takes their place. No URL ends with a space.
    healthCheckEndpoint: ' ',
    graphiql: false,
    landingPage: false,
    plugins: [
      useBegun(),
      useVaryOrigin(),
      // What goes out passes these two: first errors are made public, then somebody looks on.
      usePublicErrors(publicError),
      useObservation(tell),
      ...parts.tracing,
      useRoutes(parts, parts.log),
      useAuthentication(parts.authenticate, parts),
      admit !== null && parts.rateLimit !== null && useRateLimit(admit, parts.rateLimit),
      useJsonOnly(),
      useAcceptable(),
      useGoneReaders(),
      useTrustedDocuments(parts.trustedDocuments),
      useDocumentCache(documents),
      useDocumentLimits(schema),
      useInputLimits(schema),
      !introspection && useIntrospectionOff(),
      useThenNames(),
      useRequestTime(requestTime),
      useExecuted(),
    ],
  });
}
