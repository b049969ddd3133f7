import { createYoga, type YogaServerInstance } from 'graphql-yoga';
import type { Authenticate } from './auth/authenticator.ts';
import type { Changes } from './changes.ts';
import type { Config } from './config.ts';
import type { Context } from './context.ts';
import { corsFor, useVaryOrigin } from './http/cors.ts';
import { createPublicError } from './http/public-error.ts';
import { useAcceptable } from './http/use-acceptable.ts';
import { useAuthentication } from './http/use-authentication.ts';
import { useIntrospectionOff } from './http/use-introspection-off.ts';
import { useJsonOnly } from './http/use-json-only.ts';
import { usePublicErrors } from './http/use-public-errors.ts';
import { GRAPHQL_PATH, type Routes, useRoutes } from './http/use-routes.ts';
import { schema } from './schema/schema.ts';
import type { Stores } from './store/stores.ts';

/** What the API is made of. */
export interface ApiParts extends Routes, Pick<Config, 'corsOrigins' | 'introspection'> {
  readonly stores: Stores;
  readonly changes: Changes;
  readonly authenticate: Authenticate;
  /** Told of what nobody foresaw: the causes of the answers with INTERNAL_SERVER_ERROR. */
  readonly log: (cause: unknown) => void;
}

/** Answers requests, from Node's server and from `fetch` alike. */
export type Api = YogaServerInstance<object, Pick<Context, 'stores' | 'changes'>>;

/** The API over HTTP: a request goes through the plugins from top to bottom. */
export function createApi(parts: ApiParts): Api {
  const { stores, changes, introspection } = parts;
  const publicError = createPublicError(parts.log, { hints: introspection });
  return createYoga({
    schema,
    context: { stores, changes },
    graphqlEndpoint: GRAPHQL_PATH,
    maskedErrors: { maskError: publicError },
    logging: false,
    cors: corsFor(parts.corsOrigins),
    multipart: false,
    // These answer any path that ends like theirs; `useRoutes` takes their place. No URL ends with a space.
    healthCheckEndpoint: ' ',
    graphiql: false,
    landingPage: false,
    plugins: [
      useVaryOrigin(),
      useRoutes(parts, parts.log),
      useAuthentication(parts.authenticate, parts),
      useJsonOnly(),
      useAcceptable(),
      !introspection && useIntrospectionOff(),
      usePublicErrors(publicError),
    ],
  });
}
