import { userInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import type {
  DatabaseHost,
  DatabaseServer,
  TlsOptions,
} from '../../src/store/postgres/client/database-config.ts';
import { parseConnectionUri } from '../../src/store/postgres/uri/parse-uri.ts';
import { UNSUPPORTED_PARAMETERS } from '../../src/store/postgres/uri/unsupported-parameters.ts';
import { ConnectionUriError } from '../../src/store/postgres/uri/uri-error.ts';

const USER = userInfo().username;

/** What the server of a URI has in place of the defaults. */
function serverOf(uri: string): DatabaseServer {
  return parseConnectionUri(uri).server;
}

/** Why a URI is refused; null where it is not. */
function refusalOf(uri: string): string | null {
  try {
    parseConnectionUri(uri);
    return null;
  } catch (error) {
    if (error instanceof ConnectionUriError) return error.message;
    throw error;
  }
}

function tcp(name: string, port = 5432, address = name): DatabaseHost {
  return { name, address, port, isUnixSocket: false };
}

function unix(name: string, port = 5432): DatabaseHost {
  return { name, address: `${name}/.s.PGSQL.${port}`, port, isUnixSocket: true };
}

describe('a connection URI', () => {
  it('should need no more than a host', () => {
    expect(parseConnectionUri('postgresql://localhost')).toEqual({
      server: {
        hosts: [tcp('localhost')],
        randomOrder: false,
        primaryOnly: false,
        user: USER,
        password: '',
        database: USER,
        applicationName: 'agent-graphql',
        options: null,
        keepAlive: 60,
        tls: {
          mode: 'prefer',
          verifies: false,
          rootCertFile: null,
          revocationListFile: null,
          clientCert: null,
          sendsServerName: true,
          minVersion: 'TLSv1.2',
          maxVersion: 'TLSv1.3',
        },
      },
      connectTimeout: null,
    });
  });

  it.each<[string, Partial<DatabaseServer>]>([
    ['postgres://alice@h', { user: 'alice', password: '', database: 'alice' }],
    ['postgres://alice:@h/', { user: 'alice', password: '', database: 'alice' }],
    ['postgres://alice:secret@h/agents', { user: 'alice', password: 'secret', database: 'agents' }],
    ['postgres://:secret@h/agents', { user: USER, password: 'secret' }],
    ['postgres://a%40b:p%2F%3F%23%40%3A%25%C3%BC@h/d', { user: 'a@b', password: 'p/?#@:%ü' }],
    ['postgres://a:b:c@h', { user: 'a', password: 'b:c' }],
    ['postgres://a:p?x#y[&=+ @h/d', { user: 'a', password: 'p?x#y[&=+ ' }],
    ['postgres://u@h/a%20b%2Fc%25', { database: 'a b/c%' }],
    ['postgres://u@h/a/b', { database: 'a/b' }],
    ['postgres://u@h/a+b', { database: 'a+b' }],
    ['postgres://u:p@h/d?user=v&password=q&dbname=e', { user: 'v', password: 'q', database: 'e' }],
    ['postgres://u@h/d?dbname=postgres%3A%2F%2Fx', { database: 'postgres://x' }],
    ['postgres://u@h/d?%64bname=e', { database: 'e' }],
  ])('should name the user and the database: %s', (uri, expected) => {
    expect(serverOf(uri)).toMatchObject(expected);
  });

  it.each<[string, readonly DatabaseHost[]]>([
    ['postgres://h:6543/d', [tcp('h', 6543)]],
    ['postgres://h:/d', [tcp('h')]],
    ['postgres://u@h?dbname=d', [tcp('h')]],
    ['postgres://db_1.example.com./d', [tcp('db_1.example.com.')]],
    ['postgres://bücher.example/d', [tcp('bücher.example')]],
    ['postgres://b%C3%BCcher.example/d', [tcp('bücher.example')]],
    ['postgres://10.0.0.1/d', [tcp('10.0.0.1')]],
    ['postgres://[::1]/d', [tcp('::1')]],
    ['postgres://u:p@[2001:db8::1234]:6543/d', [tcp('2001:db8::1234', 6543)]],
    ['postgres://[fe80::1%25eth0]/d', [tcp('fe80::1%eth0')]],
    ['postgres:///d?host=::1', [tcp('::1')]],
    ['postgres://h1:1,h2:2/d', [tcp('h1', 1), tcp('h2', 2)]],
    ['postgres://h1,[::1]:2/d', [tcp('h1'), tcp('::1', 2)]],
    ['postgres:///d?host=h1,h2&port=1,2', [tcp('h1', 1), tcp('h2', 2)]],
    ['postgres:///d?host=h1,h2&port=1', [tcp('h1', 1), tcp('h2', 1)]],
    ['postgres://h1:1/d?host=h2', [tcp('h2', 1)]],
    ['postgres://%2Fvar%2Frun%2Fpostgresql/d', [unix('/var/run/postgresql')]],
    ['postgres://%2Ftmp:6543/d', [unix('/tmp', 6543)]],
    ['postgres:///d?host=/var/run/postgresql', [unix('/var/run/postgresql')]],
    ['postgres://:6543/d?host=/tmp', [unix('/tmp', 6543)]],
    ['postgres://%2Ftmp,h:1/d', [unix('/tmp'), tcp('h', 1)]],
    ['postgres://h/d?hostaddr=10.0.0.1', [tcp('h', 5432, '10.0.0.1')]],
    ['postgres:///d?hostaddr=::1', [tcp('::1')]],
    ['postgres://h1,h2:2/d?hostaddr=10.0.0.1,::1', [tcp('h1', 5432, '10.0.0.1'), tcp('h2', 2, '::1')]],
  ])('should name the hosts: %s', (uri, hosts) => {
    expect(serverOf(uri).hosts).toEqual(hosts);
  });

  it.each<[string, Partial<DatabaseServer>]>([
    ['target_session_attrs=any', { primaryOnly: false }],
    ['target_session_attrs=read-write', { primaryOnly: true }],
    ['target_session_attrs=primary', { primaryOnly: true }],
    ['load_balance_hosts=disable', { randomOrder: false }],
    ['load_balance_hosts=random', { randomOrder: true }],
    ['application_name=my%20app', { applicationName: 'my app' }],
    ['fallback_application_name=b', { applicationName: 'b' }],
    ['fallback_application_name=b&application_name=a', { applicationName: 'a' }],
    ['options=-c%20geqo%3Doff', { options: '-c geqo=off' }],
    ['keepalives=1', { keepAlive: 60 }],
    ['keepalives=0', { keepAlive: null }],
    ['keepalives_idle=10', { keepAlive: 10 }],
    ['keepalives_idle=0', { keepAlive: 0 }],
    ['application_name=a&application_name=b', { applicationName: 'b' }],
  ])('should apply %s', (parameters, expected) => {
    expect(serverOf(`postgres://u@h/d?${parameters}`)).toMatchObject(expected);
  });

  it.each<[string, Partial<TlsOptions>]>([
    ['ssl=true', { mode: 'require', verifies: false }],
    ['sslmode=disable', { mode: 'disable' }],
    ['sslmode=allow', { mode: 'allow' }],
    ['sslmode=prefer', { mode: 'prefer' }],
    ['sslmode=require', { mode: 'require', verifies: false }],
    // As verify-ca, where there is a root certificate.
    ['sslmode=require&sslrootcert=/ca.pem', { mode: 'require', verifies: true, rootCertFile: '/ca.pem' }],
    ['sslmode=verify-ca&sslrootcert=/ca.pem', { mode: 'verify-ca', verifies: true }],
    ['sslmode=verify-full', { mode: 'verify-full', verifies: true, rootCertFile: null }],
    ['sslrootcert=system', { mode: 'verify-full', verifies: true, rootCertFile: null }],
    ['sslmode=verify-full&sslcrl=/crl.pem', { revocationListFile: '/crl.pem' }],
    [
      'sslcert=/c.pem&sslkey=/k.pem',
      { clientCert: { certFile: '/c.pem', keyFile: '/k.pem', passphrase: null } },
    ],
    [
      'sslcert=/c.pem&sslkey=/k.pem&sslpassword=%20x&sslcertmode=allow',
      { clientCert: { certFile: '/c.pem', keyFile: '/k.pem', passphrase: ' x' } },
    ],
    ['sslcert=/c.pem&sslkey=/k.pem&sslcertmode=disable', { clientCert: null }],
    ['sslsni=0', { sendsServerName: false }],
    ['sslsni=1', { sendsServerName: true }],
    ['ssl_min_protocol_version=TLSv1.3', { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' }],
    ['ssl_max_protocol_version=TLSv1.2', { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }],
    [
      'ssl_min_protocol_version=TLSv1&ssl_max_protocol_version=TLSv1.1',
      { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' },
    ],
  ])('should encrypt as %s has it', (parameters, expected) => {
    expect(serverOf(`postgres://u@h/d?${parameters}`).tls).toMatchObject(expected);
  });

  it('should limit the time to connect', () => {
    expect(parseConnectionUri('postgres://h/d?connect_timeout=10').connectTimeout).toBe(10_000);
  });

  it.each([
    ['h/d', 'must be a URL such as'],
    ['POSTGRES://h/d', 'must be a URL such as'],
    ['mysql://h/d', 'must be a URL such as'],
    ['postgres:h', 'must be a URL such as'],
    ['postgres://', 'host'],
    ['postgres:///d', 'host'],
    ['postgres://h1,/d', 'host'],
    ['postgres://a b/d', 'host'],
    ['postgres://a%00/d', 'a host'],
    ['postgres://@%2Fx/d?host=@abstract', 'host'],
    ['postgres://::1/d', 'a host and a port'],
    ['postgres://[::1/d', 'a host and a port'],
    ['postgres://[::1]x/d', 'a host and a port'],
    ['postgres://u:pa/ss@h/d', 'port'],
    ['postgres://h:0/d', 'port'],
    ['postgres://h:65536/d', 'port'],
    ['postgres://h:five/d', 'port'],
    ['postgres://h1:1,h2:2/d?port=1,2,3', 'port'],
    ['postgres:///d?host=h1&port=1,2', 'port'],
    ['postgres://h/d?hostaddr=localhost', 'hostaddr'],
    ['postgres://h1,h2/d?hostaddr=10.0.0.1', 'hostaddr'],
    ['postgres://u%zz@h/d', 'its user'],
    ['postgres://u:%zz@h/d', 'its password'],
    ['postgres://u:%ff@h/d', 'its password'],
    ['postgres://u:%00@h/d', 'its password'],
    ['postgres://h/d%', 'the name of its database'],
    ['postgres://h/d?sslmode', 'keyword=value'],
    ['postgres://h/d?', 'keyword=value'],
    ['postgres://h/d?options=-c a=b', 'keyword=value'],
    ['postgres://h/d?application_name=%', 'application_name'],
    ['postgres://h/d?schema=public', 'schema'],
    ['postgres://h/d?pgbouncer=true', 'pgbouncer'],
    ['postgres://h/d?ssl=false', 'ssl'],
    ['postgres://h/d?sslmode=nonsense', 'sslmode'],
    ['postgres://h/d?sslmode=', 'sslmode'],
    ['postgres://h/d?sslmode=no-verify', 'sslmode'],
    ['postgres://h/d?sslmode=verify-ca', 'sslrootcert'],
    ['postgres://h/d?sslmode=require&sslrootcert=system', 'sslrootcert=system'],
    ['postgres://h/d?sslmode=require&sslcrl=/crl.pem', 'sslcrl'],
    ['postgres://h/d?sslcert=/c.pem', 'sslcert'],
    ['postgres://h/d?sslkey=/k.pem', 'sslkey'],
    ['postgres://h/d?sslcertmode=require', 'sslcertmode'],
    ['postgres://h/d?sslsni=yes', 'sslsni'],
    ['postgres://h/d?ssl_min_protocol_version=1.2', 'ssl_min_protocol_version'],
    ['postgres://h/d?ssl_max_protocol_version=TLSv1.1', 'ssl_max_protocol_version'],
    ['postgres://h/d?connect_timeout=0', 'connect_timeout'],
    ['postgres://h/d?connect_timeout=601', 'connect_timeout'],
    ['postgres://h/d?connect_timeout=5s', 'connect_timeout'],
    ['postgres://h/d?keepalives=yes', 'keepalives'],
    ['postgres://h/d?keepalives_idle=-1', 'keepalives_idle'],
    ['postgres://h/d?target_session_attrs=standby', 'target_session_attrs'],
    ['postgres://h/d?target_session_attrs=read-only', 'target_session_attrs'],
    ['postgres://h/d?target_session_attrs=prefer-standby', 'target_session_attrs'],
    ['postgres://h/d?target_session_attrs=primaries', 'target_session_attrs'],
    ['postgres://h/d?load_balance_hosts=yes', 'load_balance_hosts'],
  ])('should be refused in words that name the part: %s', (uri, part) => {
    expect(refusalOf(uri)).toContain(part);
  });

  it.each(Array.from(UNSUPPORTED_PARAMETERS))(
    'should be refused with %s, but for values that change nothing',
    (keyword, { accepted = [] }) => {
      for (const value of accepted) {
        expect(parseConnectionUri(`postgres://u@h/d?${keyword}=${value}`)).toEqual(
          parseConnectionUri('postgres://u@h/d'),
        );
      }
      const refusal = refusalOf(`postgres://u@h/d?${keyword}=require`);
      expect(refusal).toMatch(new RegExp(`^must not have this ${keyword}: .*[;,].*$`));
    },
  );

  it.each([
    'postgres://u:hunter2@h:x/d',
    'postgres://u:hunter2%zz@h/d',
    'postgres://u:hunter2/x@h/d',
    'postgres://u:1/a?hunter2@h/d',
    'postgres://u:1/a?hunter2=@h/d',
    'postgres://u@h/d?password=hunter2&x',
    'postgres://u@h/d?passfile=hunter2',
    'postgres://u@h/d?sslpassword=hunter2&sslkey=k',
    'hunter2',
  ])('should be refused without a word of its password: %s', (uri) => {
    expect(refusalOf(uri)).toMatch(/^(?!.*hunter2)[^\n]+$/);
  });
});
