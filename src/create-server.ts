import type { IncomingMessage, RequestListener } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as passed } from 'node:timers/promises';
import { assembleServer, type OpenStores } from './assemble-server.ts';
import type { Authenticate } from './auth/authenticator.ts';
import { DATABASE_DEFAULTS } from './environment.ts';
import { readTrustedDocuments } from './graphql/trusted-documents.ts';
import type { CorsOrigins } from './http/cors.ts';
import { countRunning } from './http/server/count-running.ts';
import { type Listening, serve } from './http/server/listen.ts';
import { withTarget } from './http/server/with-target.ts';
import { renderPage } from './http/yoga/graphiql.ts';
import type { YogaPlugin } from './http/yoga/yoga-handler.ts';
import type { Log } from './lib/log.ts';
import { SHUTDOWN_TIMEOUT } from './limits.ts';
import type { RequestObserver } from './observability/completed-request.ts';
import { schema } from './schema/schema.ts';
import { openStores } from './store/open-stores.ts';
import { parseConnectionUri } from './store/postgres/uri/parse-uri.ts';
import { DEFAULT_EVENT_RETENTION } from './store/store-options.ts';

export type { OpenStores } from './assemble-server.ts';
export { KeySetUnavailableError, UnauthenticatedError } from './auth/auth-errors.ts';
export { type Authenticate, type AuthenticatorOptions, createAuthenticator } from './auth/authenticator.ts';
export type { Identity, WorkerRights } from './auth/identity.ts';
export { mintToken, type MintTokenOptions } from './auth/mint-token.ts';
export type { YogaPlugin } from './http/yoga/yoga-handler.ts';
export type { Log } from './lib/log.ts';
export type { CompletedRequest, RequestObserver } from './observability/completed-request.ts';
export { printedSchema } from './schema/schema.ts';
export type { StoreObserver } from './store/open-stores.ts';
export { asOwner, isOwner, type Owner } from './store/owner.ts';
export type { OpenedStores, Stores } from './store/stores.ts';

/** The options of a server. */
export interface ServerOptions {
  /**
   * Identifies the caller of a request by its `Authorization` header: `createAuthenticator` creates one for JWTs, or
   * write a function of your own.
   */
  readonly authenticate: Authenticate;
  /** Opens the stores: `inMemory()`, `onDisk(folder)`, `inPostgres(url)`, or your own. Default: `inMemory()`. */
  readonly stores?: OpenStores;
  /** Called once for each completed request. They must not throw. Default: none. */
  readonly observers?: readonly RequestObserver[];
  /**
   * Plugins of GraphQL Yoga. They see all requests but those that bypass yoga for speed: POSTs to `/graphql`, streams and
   * WebSockets. Their `onRequest` can answer paths of your own. Default: none.
   */
  readonly plugins?: readonly YogaPlugin[];
  /**
   * The origins that browsers may call from, such as `['https://app.example.com']`; `'localhost'` for any of this machine.
   * Default: none.
   */
  readonly corsOrigins?: CorsOrigins;
  /** Whether clients may read the schema. Default: false. */
  readonly introspection?: boolean;
  /** Whether browsers get GraphiQL at `/graphql`. It needs introspection. Default: false. */
  readonly graphiql?: boolean;
  /** Requests per second and owner; more are refused with HTTP 429. Null for no limit. Default: null. */
  readonly rateLimit?: number | null;
  /** How long a request may run, in milliseconds. Default: 15,000. */
  readonly requestTime?: number;
  /** How long the events of a run are kept after its end, in milliseconds. Default: 24 hours. */
  readonly eventRetention?: number;
  /**
   * The file of trusted documents, which clients send as SHA-256 hashes, and whether all others are refused.
   * Default: null, for none.
   */
  readonly trustedDocuments?: { readonly path: string; readonly only: boolean } | null;
  /** Gets unexpected errors, and what the stores report. A logger of pino is one. Default: warnings and errors to the console. */
  readonly log?: Log;
}

/** Where a server listens. */
export interface ListenOptions {
  /** Default: 4000. 0 takes any free port. */
  readonly port?: number;
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** How long an idle connection is kept, in milliseconds. Default: 75,000. */
  readonly keepAlive?: number;
}

/** A server, which listens by itself or is mounted in an HTTP server of your own. */
export interface AgentServer {
  /** Answers `/graphql`, `/health` and `/ready`, and any other path with 404. */
  readonly handler: RequestListener;
  /** Accepts WebSockets at `/graphql`: a listener for the event `upgrade` of an `http.Server`. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Listens by itself, once. Resolves to the port, or rejects with the system's error; also rejects after `close`. */
  listen(options?: ListenOptions): Promise<number>;
  /**
   * Answers waiting calls, interrupts streams, lets requests finish, and closes the stores. Call it before you close an
   * HTTP server of your own, which would wait for open streams.
   * @param timeout how long requests may take, in milliseconds. Default: 10,000.
   */
  close(timeout?: number): Promise<void>;
}

/**
 * Creates a server. It reads no environment variables.
 * @throws StoreError when the stores cannot be opened
 * @throws ConfigError when the trusted documents cannot be read
 */
export async function createServer({
  authenticate,
  stores = inMemory(),
  observers = [],
  plugins = [],
  corsOrigins = [],
  introspection = false,
  graphiql = false,
  rateLimit = null,
  requestTime,
  eventRetention = DEFAULT_EVENT_RETENTION,
  trustedDocuments = null,
  log = CONSOLE,
}: ServerOptions): Promise<AgentServer> {
  const server = await assembleServer({
    authenticate,
    openStores: stores,
    observe: () => ({ observers, startTrace: null, count: () => {}, countLostLease: () => {} }),
    plugins,
    corsOrigins,
    introspection,
    page: graphiql ? (nonce) => renderPage(null, nonce) : null,
    rateLimit,
    ...(requestTime !== undefined && { requestTime }),
    eventRetention,
    trustedDocuments: trustedDocuments && readTrustedDocuments(trustedDocuments, schema, { introspection }),
    log,
  });
  const mounted = countRunning(withTarget(server.api.handle, () => {}));
  let listening: Promise<Listening> | null = null;
  let closed: Promise<void> | null = null;
  return {
    handler: mounted.handler,
    upgrade: server.api.upgrade,
    async listen({ port = 4000, host = '127.0.0.1', ...times } = {}) {
      if (closed !== null) throw new Error('The server is closed.');
      if (listening !== null) throw new Error('The server listens already.');
      listening = serve(server.api.handle, host, port, { ...times, onUpgrade: server.api.upgrade });
      try {
        return (await listening).port;
      } catch (error) {
        listening = null;
        throw error;
      }
    },
    close: (timeout = SHUTDOWN_TIMEOUT) =>
      (closed ??= server.close(() =>
        Promise.all([
          listening?.then(
            ({ close }) => close(timeout),
            // It has not listened.
            () => {},
          ),
          Promise.race([mounted.finished(), passed(timeout, undefined, { ref: false })]),
        ]),
      )),
  };
}

/** Stores in memory, which are lost with the process. */
export function inMemory(): OpenStores {
  return (observer) => openStores({ dataDir: null, database: null }, observer);
}

/** Stores in a folder of this machine, which one process at a time can use. The folder is created if it does not exist. */
export function onDisk(folder: string): OpenStores {
  return (observer) => openStores({ dataDir: folder, database: null }, observer);
}

/** The options of stores in PostgreSQL. */
export interface PostgresOptions {
  /** How many connections this process opens at most, besides the one that listens. Default: 10. */
  readonly poolSize?: number;
  /** How long a statement may take, in milliseconds. Default: 5,000. */
  readonly statementTimeout?: number;
  /** How long connecting may take, in milliseconds. Default: that of the URL, or 5,000. */
  readonly connectTimeout?: number;
}

/**
 * Stores in PostgreSQL, which any number of servers can share. The database is migrated when they are opened.
 * @param url a connection URL, in the format of `DATABASE_URL`: docs/postgres.md
 * @throws ConnectionUriError for a URL that is not valid
 */
export function inPostgres(url: string, options: PostgresOptions = {}): OpenStores {
  const { server, connectTimeout } = parseConnectionUri(url);
  const database = {
    server,
    poolSize: options.poolSize ?? DATABASE_DEFAULTS.poolSize,
    statementTimeout: options.statementTimeout ?? DATABASE_DEFAULTS.statementTimeout * 1_000,
    connectTimeout: options.connectTimeout ?? connectTimeout ?? DATABASE_DEFAULTS.connectTimeout * 1_000,
  };
  return (observer) => openStores({ dataDir: null, database }, observer);
}

/* oxlint-disable no-console -- An embedder without a log of its own must see errors all the same. */
const CONSOLE: Log = {
  info() {},
  warn: (fields, message) => console.warn(message, fields),
  error: (fields, message) => console.error(message, fields),
};
