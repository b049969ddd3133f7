/** How PostgreSQL is reached and used. */
export interface DatabaseConfig {
  readonly server: DatabaseServer;
  /** How many connections this process opens at most, besides the one that listens. */
  readonly poolSize: number;
  /** In milliseconds. */
  readonly statementTimeout: number;
  /** The time limit of connecting to one of the hosts, in milliseconds. */
  readonly connectTimeout: number;
}

/** What a connection URI says of the database. */
export interface DatabaseServer {
  /** At least one. They are tried in this order until one accepts. */
  readonly hosts: readonly DatabaseHost[];
  /** Whether the hosts are tried in a random order instead. */
  readonly randomOrder: boolean;
  /** Whether a host that is a standby is passed over. */
  readonly primaryOnly: boolean;
  readonly user: string;
  /** Empty where there is none. */
  readonly password: string;
  readonly database: string;
  readonly applicationName: string;
  /** Command-line options for the server process, such as `-c geqo=off`; null where there are none. */
  readonly options: string | null;
  /** Seconds without traffic before TCP keepalive probes; 0 for the system's default, null for no probes. */
  readonly keepAlive: number | null;
  readonly tls: TlsOptions;
}

/** One of the hosts of a connection URI. */
export interface DatabaseHost {
  /** As it is written in the URI: what a certificate must name. */
  readonly name: string;
  /** What to connect to: a host name, an IP address, or the path of a Unix socket. */
  readonly address: string;
  readonly port: number;
  readonly isUnixSocket: boolean;
}

/** Whether connections are encrypted, and what certificates must prove. */
export const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;

/** Versions of TLS, in ascending order. */
export const TLS_VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;

export type TlsVersion = (typeof TLS_VERSIONS)[number];

/** How connections are encrypted. All files are in PEM, and read anew for each connection. */
export interface TlsOptions {
  /** @see https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION */
  readonly mode: (typeof SSL_MODES)[number];
  /** Whether the server's certificate must be signed by a root certificate. */
  readonly verifies: boolean;
  /** The file of the root certificates; null for those of Node.js. */
  readonly rootCertFile: string | null;
  /** The file of revoked certificates; null where there is none. */
  readonly revocationListFile: string | null;
  /** The client's certificate; null where there is none. */
  readonly clientCert: {
    readonly certFile: string;
    readonly keyFile: string;
    /** The passphrase of the key; null where it has none. */
    readonly passphrase: string | null;
  } | null;
  /** Whether the handshake names the host (SNI). */
  readonly sendsServerName: boolean;
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
}
