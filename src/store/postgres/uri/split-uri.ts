import type { ParameterValues } from './parameter-values.ts';
import { ConnectionUriError } from './uri-error.ts';

const URI_RULE = 'must be a URL such as postgres://user:password@host:5432/database';
/** As libpq splits it: what precedes the first `@` is the user, unless a `/` comes first. */
const URI = /^postgres(?:ql)?:\/\/(?:([^@/:]*)(?::([^@/]*))?@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s;
/** An IPv6 address in brackets or anything else without a colon, and a port. */
const HOST = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::([^:]*))?$/;

/**
 * Splits a connection URI into libpq's keywords and their values: `user`, `password`, `host`, `port`, `dbname`, and the
 * parameters, which replace what precedes them. Several hosts or ports are separated by commas.
 * @see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
 * @throws ConnectionUriError
 */
export function splitConnectionUri(uri: string): ParameterValues {
  const match = URI.exec(uri);
  if (match === null) throw new ConnectionUriError(URI_RULE);
  const [, user = '', password = '', hostList = '', database = '', parameters] = match;
  const hosts = hostList.split(',').map(splitHost);
  return new Map([
    ['user', decode('its user', user)],
    ['password', decode('its password', password)],
    ['host', decode('a host', hosts.map(({ host }) => host).join())],
    ['port', decode('a port', hosts.map(({ port }) => port).join())],
    ['dbname', decode('the name of its database', database)],
    ...(parameters === undefined ? [] : parameters.split('&').map(splitParameter)),
  ]);
}

function splitHost(text: string): { readonly host: string; readonly port: string } {
  const match = HOST.exec(text);
  if (match === null) {
    throw new ConnectionUriError(
      'must have a host and a port that can be told apart: write host:port, an IPv6 address in brackets, and / ? # @ : in a password as %2F %3F %23 %40 %3A',
    );
  }
  const [, address, name = '', port = ''] = match;
  return { host: address ?? name, port };
}

function splitParameter(text: string): readonly [keyword: string, value: string] {
  const [keyword = '', value, ...others] = text.split('=');
  if (value === undefined || others.length > 0) {
    throw new ConnectionUriError(
      `must have parameters of the form keyword=value: write & = % in a value as %26 %3D %25`,
    );
  }
  // As JDBC has it.
  if (keyword === 'ssl' && value === 'true') return ['sslmode', 'require'];
  const name = decode('a keyword', keyword);
  return [name, decode(shownKeyword(name), value)];
}

function decode(part: string, text: string): string {
  let decoded: string | undefined;
  try {
    decoded = decodeURIComponent(text);
  } catch {
    // It is reported below.
  }
  if (decoded === undefined || decoded.includes('\0')) {
    throw new ConnectionUriError(
      `must not be malformed: in ${part}, write % as %25 and characters as %XX in UTF-8, without %00`,
    );
  }
  return decoded;
}

/** The keyword of a parameter for an error message: a mistyped password may have ended up there. */
export function shownKeyword(keyword: string): string {
  return /^[a-z_]{1,30}$/i.test(keyword) ? keyword : 'a parameter';
}
