import type { SecureContext } from 'node:tls';
import postgres from 'postgres';
import { ConnectionLost } from './connection-lost.ts';
import { type Connection, type ListenOptions, startSession } from './connection.ts';
import type { DatabaseConfig, DatabaseHost, TlsOptions } from './database-config.ts';
import { openSocket } from './open-socket.ts';
import { loadSecureContext, requestTls, startTls } from './tls.ts';

/** `cannot_connect_now`: the server is starting or shutting down. */
const CANNOT_CONNECT_NOW = '57P03';

/** What a connection is opened with. */
interface Attempt {
  readonly config: DatabaseConfig;
  readonly secureContext: SecureContext;
  readonly listenOptions: ListenOptions;
}

/**
 * Opens a connection to the first host that accepts it. Each host is tried once, within `connectTimeout`.
 * @param signal ends the attempt
 * @see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS
 * @throws ConnectionLost
 */
export async function openConnection(
  config: DatabaseConfig,
  signal: AbortSignal,
  listenOptions: ListenOptions = {},
): Promise<Connection> {
  const { hosts, randomOrder, tls } = config.server;
  const attempt = { config, secureContext: await loadSecureContext(tls), listenOptions };
  const failures: string[] = [];
  let cause: unknown;
  for (const host of randomOrder ? shuffled(hosts) : hosts) {
    try {
      return await openInTime(attempt, host, signal);
    } catch (error) {
      cause = error;
      failures.push(hosts.length === 1 ? messageOf(error) : `${host.name}: ${messageOf(error)}`);
      if (signal.aborted || isFinal(error)) break;
    }
  }
  throw new ConnectionLost(failures.join('; '), { cause });
}

/** Whether no other host is tried: the server has answered, and refused the user, the password or the database. */
function isFinal(error: unknown): boolean {
  return error instanceof postgres.PostgresError && error.code !== CANNOT_CONNECT_NOW;
}

/** Opens a connection to a host within the time limit. */
async function openInTime(attempt: Attempt, host: DatabaseHost, signal: AbortSignal): Promise<Connection> {
  const { connectTimeout } = attempt.config;
  const limit = new AbortController();
  const abort = (): void => limit.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  const timer = setTimeout(() => {
    limit.abort(new Error(`no connection within ${connectTimeout} ms`));
  }, connectTimeout);
  try {
    return await openWithTls(attempt, host, limit.signal);
  } catch (error) {
    throw limit.signal.aborted ? limit.signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

/** Opens a connection to a host: with TLS or without, and then perhaps in the other way, as `sslmode` has it. */
async function openWithTls(
  { config: { server }, secureContext, listenOptions }: Attempt,
  host: DatabaseHost,
  signal: AbortSignal,
): Promise<Connection> {
  const [first, second] = host.isUnixSocket ? TLS_USES.disable : TLS_USES[server.tls.mode];
  async function open(use: TlsUse, otherUse: TlsUse | undefined): Promise<Connection> {
    const socket = await openSocket(host, server.keepAlive, signal);
    let hasTls = false;
    try {
      hasTls = use !== 'never' && (await requestTls(socket));
      if (use === 'always' && !hasTls) throw new ConnectionLost('the server does not support TLS');
      const stream = hasTls ? await startTls(socket, host, server.tls, secureContext, signal) : socket;
      return await startSession(stream, server, host, listenOptions);
    } catch (error) {
      socket.destroy();
      const wasOtherUse = use === 'if supported' && !hasTls;
      if (otherUse === undefined || wasOtherUse || signal.aborted || error instanceof ConnectionLost)
        throw error;
      return open(otherUse, undefined);
    }
  }
  return open(first, second);
}

/** Whether a connection has TLS. */
type TlsUse = 'never' | 'if supported' | 'always';

/** What is tried in each mode: first, and after a refusal of the certificate, the user or the database. */
const TLS_USES: Readonly<Record<TlsOptions['mode'], readonly [TlsUse, TlsUse?]>> = {
  disable: ['never'],
  allow: ['never', 'always'],
  prefer: ['if supported', 'never'],
  require: ['always'],
  'verify-ca': ['always'],
  'verify-full': ['always'],
};

function shuffled<T>(items: readonly T[]): readonly T[] {
  return items
    .map((item) => ({ item, place: Math.random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

/** The message of an error; of an AggregateError (several addresses of one host) the messages of its errors. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join(', ');
  return error instanceof Error ? error.message : String(error);
}
