import { SSL_MODES, TLS_VERSIONS, type TlsOptions, type TlsVersion } from '../client/database-config.ts';
import { choiceOf, type ParameterValues, valueOf } from './parameter-values.ts';
import { refuseParameter } from './uri-error.ts';

/** The parameters that are read here. */
export const TLS_PARAMETERS = [
  'sslmode',
  'sslrootcert',
  'sslcrl',
  'sslcert',
  'sslkey',
  'sslpassword',
  'sslcertmode',
  'sslsni',
  'ssl_min_protocol_version',
  'ssl_max_protocol_version',
] as const;

/**
 * Reads what a connection URI says of TLS.
 * @see https://www.postgresql.org/docs/current/libpq-ssl.html
 * @throws ConnectionUriError
 */
export function readTlsOptions(values: ParameterValues): TlsOptions {
  const rootCert = valueOf(values, 'sslrootcert');
  const mode = choiceOf(values, 'sslmode', SSL_MODES, rootCert === 'system' ? 'verify-full' : 'prefer');
  if (rootCert === 'system' && mode !== 'verify-full') {
    refuseParameter(
      'sslmode',
      'sslrootcert=system needs verify-full, since anybody can get such a certificate',
    );
  }
  if (rootCert === null && mode === 'verify-ca') {
    refuseParameter('sslmode', 'verify-ca needs sslrootcert, the file of the root certificate');
  }
  const revocationListFile = valueOf(values, 'sslcrl');
  if (revocationListFile !== null && rootCert === null && mode !== 'verify-full') {
    refuseParameter('sslcrl', 'certificates are verified only with sslrootcert, or by sslmode=verify-full');
  }
  return {
    mode,
    verifies: rootCert !== null || mode === 'verify-full',
    rootCertFile: rootCert === 'system' ? null : rootCert,
    revocationListFile,
    clientCert: readClientCert(values),
    sendsServerName: choiceOf(values, 'sslsni', ['1', '0']) === '1',
    ...readVersions(values),
  };
}

function readClientCert(values: ParameterValues): TlsOptions['clientCert'] {
  const mode = choiceOf(values, 'sslcertmode', ['allow', 'disable', 'require']);
  if (mode === 'require') {
    refuseParameter(
      'sslcertmode',
      'require is not supported; PostgreSQL asks for a certificate where it needs one',
    );
  }
  const certFile = valueOf(values, 'sslcert');
  const keyFile = valueOf(values, 'sslkey');
  if (certFile !== null && keyFile === null)
    refuseParameter('sslcert', 'it needs sslkey, the file of its key');
  if (certFile === null && keyFile !== null) refuseParameter('sslkey', 'it needs sslcert, the certificate');
  if (certFile === null || keyFile === null || mode === 'disable') return null;
  return { certFile, keyFile, passphrase: valueOf(values, 'sslpassword') };
}

function readVersions(values: ParameterValues): Pick<TlsOptions, 'minVersion' | 'maxVersion'> {
  const minVersion = readVersion(values, 'ssl_min_protocol_version', 'TLSv1.2');
  const maxVersion = readVersion(values, 'ssl_max_protocol_version', 'TLSv1.3');
  if (minVersion > maxVersion) {
    refuseParameter(
      'ssl_max_protocol_version',
      'it is less than ssl_min_protocol_version (TLSv1.2 by default)',
    );
  }
  return { minVersion, maxVersion };
}

function readVersion(values: ParameterValues, keyword: string, defaultVersion: TlsVersion): TlsVersion {
  return valueOf(values, keyword) === null
    ? defaultVersion
    : choiceOf(values, keyword, TLS_VERSIONS, defaultVersion);
}
