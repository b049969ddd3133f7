import { isIPv4, isIPv6 } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { createApi } from './http/api.ts';
import { unavailable } from './errors.ts';
import { createAuthenticator } from './auth/authenticator.ts';
import { DEV_SECRET_FILE, devSecret } from './auth/dev-secret.ts';
import { mintToken } from './auth/mint-token.ts';
import { createChanges } from './subscriptions/change-feed.ts';
import { type Config, ConfigError } from './config.ts';
import { renderPage } from './http/yoga/graphiql.ts';
import { serve } from './http/server/listen.ts';
import { GRAPHQL_PATH } from './http/yoga/use-routes.ts';
import { HEAP_GROWTH } from './limits.ts';
import { createLogger, flushed } from './observability/logger.ts';
import { observe } from './observability/observe.ts';
import { createErrorLog } from './observability/request-log.ts';
import { schema } from './schema/schema.ts';
import { StoreError } from './store/store-error.ts';
import { openStores } from './store/open-stores.ts';
import { asOwner } from './store/owner.ts';
import { readTrustedDocuments } from './graphql/trusted-documents.ts';

/** How long running requests may take after SIGTERM or SIGINT, in milliseconds. */
const SHUTDOWN_TIMEOUT = 10_000;

/**
 * Serves until SIGTERM or SIGINT. Rejects where it cannot start: `startError` says why.
 * @param open opens what it serves
 */
export async function startServer(config: Config, open: typeof openStores = openStores): Promise<void> {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH}`);
  // It would keep the texts of generated functions for many collections after the functions themselves.
  setFlagsFromString('--no-compilation-cache');
  const { log, write } = createLogger(config.logLevel);
  const trustedDocuments =
    config.trustedDocuments && readTrustedDocuments(config.trustedDocuments, schema, config);
  const secret = config.auth.secret ?? (config.auth.jwksUrl === null ? devSecret(DEV_SECRET_FILE) : null);
  const key = config.auth.jwksUrl ?? secret;
  if (key === null) throw new TypeError('There is a secret where there is no key set.');
  const changes = createChanges();
  const observation = await observe(config, log, write, changes.count);
  const stores = await open(config, {
    publish(owner, stored) {
      changes.publish(owner, stored);
      observation.count(stored);
    },
    wants: changes.wanted,
    interrupt: () => changes.interrupt(missed()),
    log,
  });
  observation.hold(stores.held);
  let draining = false;

  const devToken = config.production || secret === null ? null : () => mintDevToken(config, secret);
  // A token in a page is for whoever opens it: one signed with a secret of yours stays on this machine.
  const pageToken = config.auth.secret === null || isLoopback(config.host) ? devToken : null;
  const api = createApi({
    ...config,
    observers: observation.observers,
    tracing: observation.tracing,
    openStores: () => stores.forRequest(),
    changes,
    authenticate: createAuthenticator({ ...config.auth, key }),
    isReady: () => !draining && stores.isReady(),
    trustedDocuments,
    // Where only trusted documents run, the page could do nothing.
    page: config.introspection && !trustedDocuments?.only ? (nonce) => renderPage(pageToken, nonce) : null,
    log: createErrorLog(log),
  });
  const server = await serve(api.handle, config.host, config.port, {
    onRefused: (status, requestId) => log.info({ requestId, status, outcome: 'error' }, 'request'),
  });
  await observation.listen().catch((error: unknown) => {
    throw new ConfigError(portError('METRICS_PORT', error) ?? 'METRICS_PORT cannot be listened on.');
  });
  // Before anybody is told that it listens: whoever reads that may stop it at once.
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => void drain(signal));
  if (devToken === null) log.info({ host: config.host, port: server.port }, 'listening');
  else greet(config.host, server.port, await devToken());

  async function drain(signal: string): Promise<void> {
    if (draining) return;
    draining = true;
    log.debug({ signal }, 'draining');
    changes.close(unavailable('The server is shutting down: subscribe again.'));
    await server.close(SHUTDOWN_TIMEOUT);
    await stores.close();
    await observation.close();
    // At its exit Node.js waits for writes that have begun, and for a reader that has stopped to read that is for ever.
    if (!(await flushed(log))) process.kill(process.pid, 'SIGKILL');
    process.exit(0);
  }
}

function missed(): Error {
  return unavailable('Changes may have been missed: subscribe again, and read again what you show.');
}

async function mintDevToken({ auth }: Config, secret: string): Promise<string> {
  return mintToken({ ...auth, secret, owner: asOwner('dev') });
}

function greet(host: string, port: number, token: string): void {
  process.stdout.write(
    `agent-graphql serves http://${hostToOpen(host)}:${port}${GRAPHQL_PATH}\n` +
      `A token for the owner dev, good for 24 hours:\n${token}\n`,
  );
}

/** What to write into a browser on this machine. */
function hostToOpen(host: string): string {
  if (isLoopback(host) || host === '0.0.0.0' || host === '::') return 'localhost';
  return isIPv6(host) ? `[${host}]` : host;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

/** What to tell whoever started the server; null for what nobody foresaw. */
export function startError(error: unknown): string | null {
  if (error instanceof ConfigError || error instanceof StoreError) return error.message;
  return portError('PORT', error);
}

/** Why the port that a variable names cannot be listened on; null for another reason. */
function portError(name: string, error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  if (error.code === 'EADDRINUSE')
    return `${name} is in use by another process: stop that one, or choose another.`;
  if (error.code === 'EACCES') return `${name} is not open to this user: choose one above 1023.`;
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
    return 'HOST is not an address of this machine.';
  return null;
}
