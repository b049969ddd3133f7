import { setImmediate as turn, setTimeout as passed } from 'node:timers/promises';
import { isIPv4, isIPv6 } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { createApi } from './http/api.ts';
import { createAuthenticator } from './auth/authenticator.ts';
import { DEV_SECRET_FILE, devSecret } from './auth/dev-secret.ts';
import { mintToken } from './auth/mint-token.ts';
import { createChangeFeed } from './subscriptions/change-feed.ts';
import { createClaimWaiters } from './subscriptions/claim-waiters.ts';
import { createSubscribers } from './subscriptions/subscribers.ts';
import { createWaits } from './subscriptions/waits.ts';
import type { Config } from './config.ts';
import { ConfigError } from './lib/config-error.ts';
import { type PageOwner, renderPage } from './http/yoga/graphiql.ts';
import { pageOwners } from './http/yoga/page-owners.ts';
import { type Listening, serve } from './http/server/listen.ts';
import { GRAPHQL_PATH } from './lib/paths.ts';
import { HEAP_GROWTH } from './limits.ts';
import { createLogger, flushed } from './observability/logger.ts';
import type { Logger } from 'pino';
import { createObservability, type Observability } from './observability/observe.ts';
import { createErrorLog } from './observability/request-log.ts';
import { schema } from './schema/schema.ts';
import { StoreError } from './store/store-error.ts';
import { openStores } from './store/open-stores.ts';
import { asOwner } from './store/owner.ts';
import { readTrustedDocuments } from './graphql/trusted-documents.ts';

/** How long running requests may take during shutdown, in milliseconds. */
const SHUTDOWN_TIMEOUT = 10_000;

/** How long waiting calls may take to be answered during shutdown, in milliseconds. */
const WAITS_SHUTDOWN_TIMEOUT = 2_000;

/** The interval in which waiting claims are retried, in milliseconds: notifications of other servers can be lost. */
const CLAIM_RETRY_INTERVAL = 1_000;

/**
 * Serves until SIGTERM or SIGINT. Rejects where it cannot start: `startError` has the message.
 * @param open opens the stores
 */
export async function startServer(config: Config, open: typeof openStores = openStores): Promise<void> {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH}`);
  // V8 would keep the source of generated functions long after the functions themselves.
  setFlagsFromString('--no-compilation-cache');
  const { log, write } = createLogger(config.logLevel);
  const trustedDocuments =
    config.trustedDocuments && readTrustedDocuments(config.trustedDocuments, schema, config);
  const secret = config.auth.secret ?? (config.auth.jwksUrl === null ? devSecret(DEV_SECRET_FILE) : null);
  const key = config.auth.jwksUrl ?? secret;
  if (key === null) throw new TypeError('There is a secret where there is no key set.');
  const changes = createChangeFeed();
  const subscribers = createSubscribers();
  const waits = createWaits();
  const claimWaiters = createClaimWaiters();
  const observability = await createObservability({
    ...config,
    log,
    write,
    openSubscriptions: subscribers.count,
    openWaits: waits.count,
  });
  const stores = await open(config, {
    publish: changes.publish,
    onStored: observability.count,
    onLeaseLost: observability.countLostLease,
    publishEvents: changes.publishEvents,
    onReady: claimWaiters.notify,
    eventRetention: config.eventRetention,
    hasSubscribers: changes.hasSubscribers,
    followedRuns: changes.followedRuns,
    onMissedChanges: subscribers.interrupt,
    log,
  });
  observability.hold(stores.loadedCounts);
  if (config.database !== null) setInterval(() => claimWaiters.wakeOneOfEach(), CLAIM_RETRY_INTERVAL).unref();
  let draining = false;

  const devToken = config.production || secret === null ? null : () => mintDevToken(config, secret, 'dev');
  const mintOwners = mintPageOwners(config, secret);
  const api = createApi({
    ...config,
    observers: observability.observers,
    startTrace: observability.startTrace,
    openStores: () => stores.forRequest(),
    changes,
    waits,
    claimWaiters,
    subscribers,
    authenticate: createAuthenticator({ ...config.auth, key }),
    isReady: () => !draining && stores.isReady(),
    trustedDocuments,
    // Where only trusted documents run, the page could do nothing.
    page:
      config.introspection && !trustedDocuments?.only
        ? (nonce, isPrivate) => renderPage(isPrivate ? mintOwners : null, nonce)
        : null,
    log: createErrorLog(log),
  });
  const server = await serve(api.handle, config.host, config.port, {
    keepAlive: config.keepAlive,
    onUpgrade: api.upgrade,
    onRefused: (status, requestId) => log.info({ requestId, status, outcome: 'error' }, 'request'),
  });
  const metricsServer = await listenForMetrics(config, observability, log);
  // Before it says that it listens: it may be stopped as soon as it has said so.
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => void drain(signal));
  if (devToken === null) log.info({ host: config.host, port: server.port }, 'listening');
  else greet(config.host, server.port, await devToken());

  async function drain(signal: string): Promise<void> {
    if (draining) return;
    draining = true;
    log.debug({ signal }, 'draining');
    if (config.shutdownDelay > 0) await passed(config.shutdownDelay);
    // They are answered before the WebSockets are closed that some of them came by.
    await Promise.race([waits.close(), passed(WAITS_SHUTDOWN_TIMEOUT)]);
    await turn();
    subscribers.close();
    api.close();
    await server.close(SHUTDOWN_TIMEOUT);
    await stores.close();
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
): Promise<Listening | null> {
  if (metrics === null || metricsPort === null) return null;
  const { serveMetrics } = await import('./http/metrics-endpoint.ts');
  try {
    const server = await serveMetrics(metrics, host, metricsPort);
    log.info({ host, port: server.port }, 'serving metrics');
    return server;
  } catch (error) {
    throw new ConfigError(portError('METRICS_PORT', error) ?? 'METRICS_PORT cannot be listened on.');
  }
}

async function mintDevToken({ auth }: Config, secret: string, owner: string): Promise<string> {
  return mintToken({ ...auth, secret, owner: asOwner(owner) });
}

/** What mints the tokens that GraphiQL has; null where it has none. */
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

function greet(host: string, port: number, token: string): void {
  process.stdout.write(
    `agent-graphql serves http://${hostToOpen(host)}:${port}${GRAPHQL_PATH}\n` +
      `A token for the owner dev, good for 24 hours:\n${token}\n`,
  );
}

/** The host in the address that a browser on this machine opens. */
function hostToOpen(host: string): string {
  if (isLoopback(host) || host === '0.0.0.0' || host === '::') return 'localhost';
  return isIPv6(host) ? `[${host}]` : host;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

/** The message of an error that the operator can act on; null for an unexpected one. */
export function startError(error: unknown): string | null {
  if (error instanceof ConfigError || error instanceof StoreError) return error.message;
  return portError('PORT', error);
}

/** Why a server cannot listen on a port, naming the port's variable; null for an unexpected error. */
function portError(name: string, error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  if (error.code === 'EADDRINUSE')
    return `${name} is in use by another process: stop that one, or choose another.`;
  if (error.code === 'EACCES') return `${name} is not open to this user: choose one above 1023.`;
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
    return 'HOST is not an address of this machine.';
  return null;
}
