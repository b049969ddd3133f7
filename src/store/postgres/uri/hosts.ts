import { isIP } from 'node:net';
import type { DatabaseHost } from '../client/database-config.ts';
import { type ParameterValues, valueOf } from './parameter-values.ts';
import { refuseParameter } from './uri-error.ts';

const DEFAULT_PORT = 5432;

/**
 * Reads the hosts of a connection URI, each with its address and port. One port stands for all.
 * @see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS
 * @throws ConnectionUriError
 */
export function readHosts(values: ParameterValues): readonly DatabaseHost[] {
  const names = readList(values, 'host');
  const addresses = readList(values, 'hostaddr');
  const ports = readList(values, 'port').map(readPort);
  const count = Math.max(names.length, addresses.length);
  if (addresses.length > 0 && names.length > 0 && addresses.length !== names.length) {
    refuseParameter('hostaddr', 'it needs as many entries as host');
  }
  if (ports.length > 1 && ports.length !== Math.max(count, 1)) {
    refuseParameter('port', 'it needs one entry, or as many as host');
  }
  if (count === 0) return [readHost('', '', ports[0] ?? DEFAULT_PORT)];
  return Array.from({ length: count }, (_, index) =>
    readHost(names[index] ?? '', addresses[index] ?? '', ports[index] ?? ports[0] ?? DEFAULT_PORT),
  );
}

function readList(values: ParameterValues, keyword: string): readonly string[] {
  return valueOf(values, keyword)?.split(',') ?? [];
}

function readPort(text: string): number {
  if (text === '') return DEFAULT_PORT;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : refuseParameter('port', 'it is a whole number from 1 to 65535');
}

/** @param hostaddr an IP address, which is connected to instead of the name; empty where there is none */
function readHost(name: string, hostaddr: string, port: number): DatabaseHost {
  if (hostaddr !== '') {
    if (isIP(hostaddr) === 0) refuseParameter('hostaddr', 'it is an IP address');
    return { name: name === '' ? hostaddr : name, address: hostaddr, port, isUnixSocket: false };
  }
  if (name.startsWith('/')) return { name, address: `${name}/.s.PGSQL.${port}`, port, isUnixSocket: true };
  if (isIP(name) === 0 && !/^[\p{L}\p{N}._-]+$/u.test(name)) {
    refuseParameter(
      'host',
      'it is a host name, an IP address, or the folder of a Unix socket, and has no default',
    );
  }
  return { name, address: name, port, isUnixSocket: false };
}
