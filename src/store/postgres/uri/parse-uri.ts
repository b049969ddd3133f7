import { userInfo } from 'node:os';
import type { DatabaseServer } from '../client/database-config.ts';
import { readHosts } from './hosts.ts';
import { choiceOf, type ParameterValues, secondsOf, valueOf } from './parameter-values.ts';
import { shownKeyword, splitConnectionUri } from './split-uri.ts';
import { readTlsOptions, TLS_PARAMETERS } from './tls-parameters.ts';
import { UNSUPPORTED_PARAMETERS } from './unsupported-parameters.ts';
import { ConnectionUriError, refuseParameter } from './uri-error.ts';

/** What a connection URI says. */
export interface ConnectionUri {
  readonly server: DatabaseServer;
  /** `connect_timeout`, in milliseconds; null where it is not given. */
  readonly connectTimeout: number | null;
}

const SUPPORTED_PARAMETERS: ReadonlySet<string> = new Set([
  'user',
  'password',
  'host',
  'hostaddr',
  'port',
  'dbname',
  'load_balance_hosts',
  'target_session_attrs',
  'application_name',
  'fallback_application_name',
  'options',
  'connect_timeout',
  'keepalives',
  'keepalives_idle',
  ...TLS_PARAMETERS,
]);

/**
 * Reads a connection URI as libpq does. A part that is not supported is refused.
 * @see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
 * @throws ConnectionUriError
 */
export function parseConnectionUri(uri: string): ConnectionUri {
  const values = splitConnectionUri(uri);
  for (const [keyword, value] of values) assertSupported(keyword, value);
  const user = valueOf(values, 'user') ?? currentUser();
  const connectTimeout = secondsOf(values, 'connect_timeout', 1, 600);
  const server = {
    hosts: readHosts(values),
    randomOrder: choiceOf(values, 'load_balance_hosts', ['disable', 'random']) === 'random',
    primaryOnly: readPrimaryOnly(values),
    user,
    password: valueOf(values, 'password') ?? '',
    database: valueOf(values, 'dbname') ?? user,
    applicationName:
      valueOf(values, 'application_name') ?? valueOf(values, 'fallback_application_name') ?? 'agent-graphql',
    options: valueOf(values, 'options'),
    keepAlive: readKeepAlive(values),
    tls: readTlsOptions(values),
  };
  return { server, connectTimeout: connectTimeout === null ? null : connectTimeout * 1_000 };
}

function assertSupported(keyword: string, value: string): void {
  if (SUPPORTED_PARAMETERS.has(keyword)) return;
  const unsupported = UNSUPPORTED_PARAMETERS.get(keyword);
  if (unsupported === undefined) {
    throw new ConnectionUriError(
      `must not have ${shownKeyword(keyword)}, which PostgreSQL does not know: remove it`,
    );
  }
  if (unsupported.accepted?.includes(value) !== true) refuseParameter(keyword, unsupported.instead);
}

function currentUser(): string {
  try {
    return userInfo().username;
  } catch {
    throw new ConnectionUriError(
      'must name a user, since the operating system has no name for the current one',
    );
  }
}

/** Whether standbys are passed over: `any` is what a single host needs, and mutations need a primary. */
function readPrimaryOnly(values: ParameterValues): boolean {
  const wanted = choiceOf(values, 'target_session_attrs', [
    'any',
    'read-write',
    'primary',
    'read-only',
    'standby',
    'prefer-standby',
  ]);
  if (wanted === 'any') return false;
  if (wanted === 'read-write' || wanted === 'primary') return true;
  return refuseParameter('target_session_attrs', 'a standby refuses mutations; write read-write');
}

function readKeepAlive(values: ParameterValues): number | null {
  // The limit of Linux.
  const idle = secondsOf(values, 'keepalives_idle', 0, 32_767) ?? 60;
  return choiceOf(values, 'keepalives', ['1', '0']) === '1' ? idle : null;
}
