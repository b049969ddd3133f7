import { setTimeout as passed } from 'node:timers/promises';
import { isIPv4, isIPv6 } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { assembleServer } from './assemble-server.ts';
import { createAuthenticator } from './auth/authenticator.ts';
import { DEV_SECRET_FILE, devSecret } from './auth/dev-secret.ts';
import { mintToken } from './auth/mint-token.ts';
import type { Config } from './config.ts';
import { portError } from './port-error.ts';
import { type PageOwner, renderPage } from './http/yoga/graphiql.ts';
import { pageOwners } from './http/yoga/page-owners.ts';
import { type Listening, serve } from './http/server/listen.ts';
import { GRAPHQL_PATH } from './lib/paths.ts';
import { HEAP_GROWTH, SHUTDOWN_TIMEOUT } from './limits.ts';
import { createLogger, flushed } from './observability/logger.ts';
import type { Logger } from 'pino';
import type { RequestObserver } from './observability/completed-request.ts';
import type { LogLevel } from './observability/log-level.ts';
import { createRequestLog } from './observability/request-log.ts';
import { createObservability, type Observability } from './observability/observe.ts';
import { schema } from './schema/schema.ts';
import { openStores } from './store/open-stores.ts';
import { asOwner } from './store/owner.ts';
import { readTrustedDocuments } from './graphql/trusted-documents.ts';

/** A server that listens. */
export interface StartedServer {
  /** The address of the API, as a browser on this machine opens it. */
  readonly url: string;
  /** A token for the owner `dev`; null in production, and with an identity provider. */
  readonly devToken: string | null;
  /** Whether browsers get GraphiQL. */
  readonly hasPage: boolean;
}

/** The output of a server for people, in place of JSON lines. */
export interface Terminal {
  /** Creates the log. */
  createLog(): { readonly log: Logger; readonly requestLog: RequestObserver };
  /** Called once the server listens. */
  show(server: StartedServer): void;
}

/** How a server is started. */
export interface StartOptions {
  /** Opens the stores. */
  readonly open?: typeof openStores;
  /** Default: JSON on stdout. */
  readonly terminal?: Terminal | null;
  /** Returns the command line that starts the server with another value of a variable. */
  readonly startWith?: (variable: string, value: number) => string;
}

/**
 * Serves until SIGTERM or SIGINT.
 * @throws ConfigError, StoreError where it cannot start, for a reason that the operator can act on
 */
export async function startServer(
  config: Config,
  {
    open = openStores,
    terminal = null,
    startWith = (variable, value) => `${variable}=${value}`,
  }: StartOptions = {},
): Promise<void> {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH}`);
  // V8 would keep the source of generated functions long after the functions themselves.
  setFlagsFromString('--no-compilation-cache');
  const { log, requestLog } = terminal === null ? createJsonLog(config.logLevel) : terminal.createLog();
  const trustedDocuments =
    config.trustedDocuments && readTrustedDocuments(config.trustedDocuments, schema, config);
  const secret = config.auth.secret ?? (config.auth.jwksUrl === null ? devSecret(DEV_SECRET_FILE) : null);
  const key = config.auth.jwksUrl ?? secret;
  if (key === null) throw new TypeError('Without a key set, there must be a secret.');
  const devToken = config.production || secret === null ? null : () => mintDevToken(config, secret, 'dev');
  const mintOwners = mintPageOwners(config, secret);
  // Where only trusted documents run, the page could do nothing.
  const hasPage = config.introspection && !trustedDocuments?.only;
  const page = hasPage
    ? (nonce: string, isPrivate: boolean) => renderPage(isPrivate ? mintOwners : null, nonce)
    : null;
  const assembled = await assembleServer({
    ...config,
    openStores: (observer) => open(config, observer),
    observe: (counts) => createObservability({ ...config, ...counts, log, requestLog }),
    authenticate: createAuthenticator({ ...config.auth, key }),
    trustedDocuments,
    page,
    log,
  });
  const { api, observers: observability, loadedCounts } = assembled;
  observability.hold(loadedCounts);
  const server = await serve(api.handle, config.host, config.port, {
    keepAlive: config.keepAlive,
    onUpgrade: api.upgrade,
    onRefused: (status, requestId) => log.info({ requestId, status, outcome: 'error' }, 'request'),
  }).catch(async (error: unknown) => {
    throw await portError({ ...config, variable: 'PORT', startWith }, error);
  });
  const metricsServer = await listenForMetrics(config, observability, log, startWith);
  let draining = false;
  // Before it says that it listens: it may be stopped as soon as it has said so.
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => void drain(signal));
  const started: StartedServer = {
    url: `http://${hostToOpen(config.host)}:${server.port}${GRAPHQL_PATH}`,
    devToken: devToken && (await devToken()),
    hasPage: page !== null,
  };
  if (terminal !== null) terminal.show(started);
  else if (started.devToken === null) log.info({ host: config.host, port: server.port }, 'listening');
  else greet(started.url, started.devToken);

  async function drain(signal: string): Promise<void> {
    if (draining) return;
    draining = true;
    assembled.setUnready();
    log.debug({ signal }, 'draining');
    if (config.shutdownDelay > 0) await passed(config.shutdownDelay);
    await assembled.close(() => server.close(SHUTDOWN_TIMEOUT));
    await Promise.all([metricsServer?.close(0), observability.close()]);
    // Node.js does not exit before its writes are done: never, if its output is not read.
    if (!(await flushed(log))) process.kill(process.pid, 'SIGKILL');
    process.exit(0);
  }
}

/** Serves the metrics, where there is a port for them. */
async function listenForMetrics(
  { host, metricsPort }: Config,
  { metrics }: Observability,
  log: Logger,
  startWith: Required<StartOptions>['startWith'],
): Promise<Listening | null> {
  if (metrics === null || metricsPort === null) return null;
  const { serveMetrics } = await import('./http/metrics-endpoint.ts');
  const server = await serveMetrics(metrics, host, metricsPort).catch(async (error: unknown) => {
    throw await portError({ variable: 'METRICS_PORT', host, port: metricsPort, startWith }, error);
  });
  log.info({ host, port: server.port }, 'serving metrics');
  return server;
}

async function mintDevToken({ auth }: Config, secret: string, owner: string): Promise<string> {
  return mintToken({ ...auth, secret, owner: asOwner(owner) });
}

/** Returns the function that mints the tokens of the GraphiQL page; null where it has none. */
function mintPageOwners(config: Config, secret: string | null): (() => Promise<readonly PageOwner[]>) | null {
  const owners = pageOwners({
    production: config.production,
    signsWith: config.auth.secret !== null ? 'AUTH_SECRET' : secret === null ? null : 'development secret',
    onLoopback: isLoopback(config.host),
  });
  if (secret === null || owners.length === 0) return null;
  return () =>
    Promise.all(owners.map(async (owner) => ({ owner, token: await mintDevToken(config, secret, owner) })));
}

function greet(url: string, token: string): void {
  process.stdout.write(
    `agent-graphql serves ${url}\nA token for the owner dev, good for 24 hours:\n${token}\n`,
  );
}

/** The log as JSON lines on stdout. */
function createJsonLog(level: LogLevel): ReturnType<Terminal['createLog']> {
  const { log, write } = createLogger(level);
  return { log, requestLog: createRequestLog(log, write) };
}

/** The host in the address that a browser on this machine opens. */
function hostToOpen(host: string): string {
  if (isLoopback(host) || host === '0.0.0.0' || host === '::') return 'localhost';
  return isIPv6(host) ? `[${host}]` : host;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}
