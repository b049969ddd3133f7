/** A documented parameter that is not supported. */
interface Unsupported {
  /** The values that ask for no more than what happens anyway. Default: none. */
  readonly accepted?: readonly string[];
  /** Why another value is refused, and what to do instead. */
  readonly instead: string;
}

const KERBEROS = {
  instead: 'GSSAPI and Kerberos are not supported; remove it, and authenticate by password or certificate',
};
const KEEPALIVE = {
  instead: 'Node.js cannot set it; remove it, a heartbeat finds lost connections within 10 seconds',
};
const OAUTH = { instead: 'OAuth is not supported; remove it, and authenticate by password or certificate' };
const SCRAM_KEY = { instead: 'keys of SCRAM are not supported; write the password into the URL' };
const SERVICE = { instead: 'service files are not read; write what the service stands for into the URL' };

/**
 * The parameters of libpq that are not supported.
 * @see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
 */
export const UNSUPPORTED_PARAMETERS: ReadonlyMap<string, Unsupported> = new Map<string, Unsupported>([
  [
    'channel_binding',
    {
      accepted: ['disable', 'prefer'],
      instead:
        'channel binding is not supported; remove it, and set sslmode=verify-full, which proves the server as well',
    },
  ],
  [
    'client_encoding',
    { accepted: ['UTF8', 'UTF-8', 'utf8', 'utf-8'], instead: 'the encoding is always UTF8; remove it' },
  ],
  ['gssdelegation', { ...KERBEROS, accepted: ['0'] }],
  ['gssencmode', { ...KERBEROS, accepted: ['disable', 'prefer'] }],
  ['gsslib', KERBEROS],
  ['keepalives_count', KEEPALIVE],
  ['keepalives_interval', KEEPALIVE],
  ['krbsrvname', KERBEROS],
  ['max_protocol_version', { accepted: ['3.0', '3.2', 'latest'], instead: 'it is one of 3.0, 3.2, latest' }],
  ['min_protocol_version', { accepted: ['3.0'], instead: 'only version 3.0 is supported; remove it' }],
  ['oauth_client_id', OAUTH],
  ['oauth_client_secret', OAUTH],
  ['oauth_issuer', OAUTH],
  ['oauth_scope', OAUTH],
  ['passfile', { instead: 'password files are not read; write the password into the URL' }],
  [
    'replication',
    {
      accepted: ['false', 'off', 'no', '0'],
      instead: 'a connection for replication cannot be used; remove it',
    },
  ],
  [
    'require_auth',
    {
      instead:
        'the method is chosen by PostgreSQL; remove it, and set sslmode=verify-full, so that no other server gets the password',
    },
  ],
  [
    'requirepeer',
    {
      instead:
        'the user behind a Unix socket cannot be read; remove it, and protect the folder of the socket',
    },
  ],
  ['scram_client_key', SCRAM_KEY],
  ['scram_server_key', SCRAM_KEY],
  ['service', SERVICE],
  ['servicefile', SERVICE],
  ['sslcompression', { accepted: ['0'], instead: 'compression makes TLS insecure; remove it' }],
  ['sslcrldir', { instead: 'folders of revocation lists are not read; name one file by sslcrl' }],
  ['sslkeylogfile', { instead: 'keys of TLS are not logged; remove it' }],
  [
    'sslnegotiation',
    {
      accepted: ['postgres'],
      instead: 'TLS is always asked for, which every PostgreSQL understands; remove it',
    },
  ],
  ['tcp_user_timeout', { ...KEEPALIVE, accepted: ['0'] }],
]);
