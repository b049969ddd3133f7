import { readFile } from 'node:fs/promises';
import { isIP, type Socket } from 'node:net';
import {
  checkServerIdentity,
  connect,
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
} from 'node:tls';
import { ConnectionLost } from './connection-lost.ts';
import type { DatabaseHost, TlsOptions } from './database-config.ts';
import { destroyOnAbort, firstEvent } from './open-socket.ts';

/** The message that asks for TLS: its length and a number in place of a version, 32 bits each. */
const SSL_REQUEST = Buffer.from('0000000804d2162f', 'hex');

/**
 * Reads the certificates and keys.
 * @throws ConnectionLost whose message names the parameter
 */
export async function loadSecureContext(tls: TlsOptions): Promise<SecureContext> {
  const { rootCertFile, revocationListFile, clientCert, minVersion, maxVersion } = tls;
  const files: SecureContextOptions = { minVersion, maxVersion };
  if (rootCertFile !== null) files.ca = await readPem('sslrootcert', rootCertFile);
  if (revocationListFile !== null) files.crl = await readPem('sslcrl', revocationListFile);
  if (clientCert !== null) {
    files.cert = await readPem('sslcert', clientCert.certFile);
    files.key = await readPem('sslkey', clientCert.keyFile);
    if (clientCert.passphrase !== null) files.passphrase = clientCert.passphrase;
  }
  try {
    return createSecureContext(files);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConnectionLost(
      `a file of sslrootcert, sslcrl, sslcert or sslkey, or sslpassword, is wrong: ${reason}`,
      {
        cause: error,
      },
    );
  }
}

async function readPem(parameter: string, file: string): Promise<Buffer> {
  let content: Buffer;
  try {
    content = await readFile(file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConnectionLost(`the file of ${parameter} cannot be read: ${reason}`, { cause: error });
  }
  if (content.includes('-----BEGIN ')) return content;
  throw new ConnectionLost(`the file of ${parameter} is not in PEM`);
}

/**
 * Asks PostgreSQL for TLS, as the first message of a connection.
 * @returns whether the server waits for a handshake now; otherwise it waits for a message without TLS
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL
 */
export async function requestTls(socket: Socket): Promise<boolean> {
  socket.write(SSL_REQUEST);
  const answer = String(await firstEvent(socket, 'data'));
  // More than one byte could only be an attacker's, to be taken for encrypted later.
  if (answer === 'S') return true;
  if (answer === 'N') return false;
  throw new Error('the answer to the request for TLS is not one of PostgreSQL');
}

/**
 * Starts TLS after the server has agreed to it. The certificate is compared with the name that is written in the URI,
 * which may be an IP address.
 * @param signal destroys the returned socket when it is aborted: a write to it would fail once `socket` alone is closed
 */
export async function startTls(
  socket: Socket,
  host: DatabaseHost,
  { mode, verifies, sendsServerName }: TlsOptions,
  secureContext: SecureContext,
  signal: AbortSignal,
): Promise<Socket> {
  const secured = connect({
    socket,
    secureContext,
    rejectUnauthorized: verifies,
    checkServerIdentity: (_, certificate) =>
      mode === 'verify-full' ? checkServerIdentity(host.name, certificate) : undefined,
    // The extension does not allow IP addresses.
    ...(sendsServerName && isIP(host.name) === 0 && { servername: host.name }),
  });
  destroyOnAbort(secured, signal);
  await firstEvent(secured, 'secureConnect');
  return secured;
}
