import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { asOwner } from '../../../src/store/owner.ts';
import { startSession } from '../../../src/store/postgres/client/connection.ts';
import { openSocket } from '../../../src/store/postgres/client/open-socket.ts';
import { createPool } from '../../../src/store/postgres/client/pool.ts';
import { loadSecureContext, requestTls, startTls } from '../../../src/store/postgres/client/tls.ts';
import { openPostgresStores } from '../../../src/store/postgres/stores.ts';
import { connected } from '../../support/postgres/admin.ts';
import { type Certificates, makeCertificates } from '../../support/postgres/certificates.ts';
import { configFor } from '../../support/postgres/config.ts';
import { sharedPostgres } from '../../support/postgres/database.ts';
import { type Postgres, startPostgres } from '../../support/postgres/instance.ts';
import { startProxy } from '../../support/postgres/proxy.ts';
import { giveTo, userOfPostgres } from '../../support/postgres/user.ts';

const PASSPHRASE = 'a passphrase';
const PASSWORD = 'a-password';
/** The rules of pg_hba.conf. */
const HBA = `
hostssl   all only_tls   127.0.0.1/32 scram-sha-256
hostnossl all only_plain 127.0.0.1/32 scram-sha-256
hostssl   all by_cert    127.0.0.1/32 cert
host      all anyhow     127.0.0.1/32 scram-sha-256
host      all postgres   127.0.0.1/32 scram-sha-256
local     all anyhow     scram-sha-256
`;
/** Anybody, by any password: a standby has the password of its own superuser alone. */
const TRUST = 'host all all 127.0.0.1/32 trust\n';

let certificates: Certificates;
let folder: string;
/** With TLS, on 127.0.0.1 and in a Unix socket. */
let postgres: Postgres;
let standby: Postgres;

beforeAll(async () => {
  certificates = await makeCertificates(['DNS:localhost', 'IP:127.0.0.1'], 'by_cert', PASSPHRASE);
  folder = await mkdtemp(join(tmpdir(), 'agent-graphql-uri-'));
  await giveTo(userOfPostgres(), folder);
  await certificates.giveServerKeyTo(userOfPostgres());
  postgres = await startPostgres({
    settings: {
      ssl: 'on',
      ssl_cert_file: certificates.file('server.pem'),
      ssl_key_file: certificates.file('server.key'),
      ssl_ca_file: certificates.file('ca.pem'),
      hba_file: await configFile('hba.conf', HBA),
      unix_socket_directories: folder,
    },
  });
  standby = await startPostgres({
    isStandby: true,
    settings: { hba_file: await configFile('standby.conf', TRUST) },
  });
  await connected(postgres.url, async (sql) => {
    for (const role of ['only_tls', 'only_plain', 'by_cert', 'anyhow']) {
      await sql.unsafe(`CREATE ROLE ${role} LOGIN PASSWORD '${PASSWORD}'`);
    }
  });
});

afterAll(async () => {
  await postgres.stop();
  await standby.stop();
  await certificates.remove();
  await rm(folder, { recursive: true });
});

/** Writes a file that PostgreSQL reads. */
async function configFile(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  await giveTo(userOfPostgres(), path);
  return path;
}

/** The version of TLS of a connection, `none` without TLS; why there is none where it is refused. */
async function connectionBy(url: string): Promise<string> {
  const pool = createPool(configFor(url, { poolSize: 1 }));
  onTestFinished(() => pool.close());
  try {
    const [row] = await pool.transaction('BEGIN', new AbortController().signal, ({ sql, run }) =>
      run(sql<{ version: string }[]>`SELECT coalesce(version, 'none') AS version
        FROM pg_stat_ssl WHERE pid = pg_backend_pid()`),
    );
    return row?.version ?? 'unknown';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** A URI of the PostgreSQL with TLS. Files are named by `{name}`. */
function uri(host: string, parameters: string, role = 'anyhow', port = new URL(postgres.url).port): string {
  const given = parameters.replaceAll(/\{(.+?)\}/g, (_, name: string) => {
    return encodeURIComponent(certificates.file(name));
  });
  return `postgres://${role}:${PASSWORD}@${host}:${port}/postgres?${given}`;
}

const TLS = /^TLSv1\.[23]$/;
const UNKNOWN_ISSUER = /self-signed certificate in certificate chain|unable to verify/;
const ELSEWHERE = 'hostaddr=127.0.0.1';

describe('sslmode', () => {
  it.each<[string, string, RegExp, string?]>([
    ['127.0.0.1', 'sslmode=disable', /^none$/],
    ['127.0.0.1', 'sslmode=allow', /^none$/],
    ['127.0.0.1', 'sslmode=prefer', TLS],
    ['127.0.0.1', 'application_name=default', TLS],
    ['127.0.0.1', 'sslmode=require', TLS],
    ['127.0.0.1', 'ssl=true', TLS],
    ['db.example.com', `sslmode=require&sslrootcert={ca.pem}&${ELSEWHERE}`, TLS],
    ['127.0.0.1', 'sslmode=require&sslrootcert={other.pem}', UNKNOWN_ISSUER],
    ['db.example.com', `sslmode=verify-ca&sslrootcert={ca.pem}&${ELSEWHERE}`, TLS],
    ['127.0.0.1', 'sslmode=verify-ca&sslrootcert={other.pem}', UNKNOWN_ISSUER],
    ['localhost', `sslmode=verify-full&sslrootcert={ca.pem}&${ELSEWHERE}`, TLS],
    ['127.0.0.1', 'sslmode=verify-full&sslrootcert={ca.pem}', TLS],
    ['127.0.0.1', 'sslmode=verify-full&sslrootcert={ca.pem}&sslsni=0', TLS],
    ['127.0.0.1', 'sslmode=verify-full&sslrootcert={other.pem}', UNKNOWN_ISSUER],
    ['db.example.com', `sslmode=verify-full&sslrootcert={ca.pem}&${ELSEWHERE}`, /does not match/],
    // Not compared with another name than the one that is written.
    ['127.0.0.2', `sslmode=verify-full&sslrootcert={ca.pem}&${ELSEWHERE}`, /does not match|not in the cert/],
    ['127.0.0.1', 'sslmode=verify-full', UNKNOWN_ISSUER],
    ['127.0.0.1', 'sslrootcert=system', UNKNOWN_ISSUER],
    ['127.0.0.1', 'sslmode=verify-full&sslrootcert={ca.pem}&sslcrl={none-revoked.pem}', TLS],
    ['127.0.0.1', 'sslmode=verify-full&sslrootcert={ca.pem}&sslcrl={server-revoked.pem}', /revoked/],
    ['127.0.0.1', 'sslmode=require&ssl_min_protocol_version=TLSv1.3', /^TLSv1\.3$/],
    ['127.0.0.1', 'sslmode=require&ssl_max_protocol_version=TLSv1.2', /^TLSv1\.2$/],
    ['127.0.0.1', 'sslmode=disable', /no encryption/, 'only_tls'],
    ['127.0.0.1', 'sslmode=allow', TLS, 'only_tls'],
    ['127.0.0.1', 'sslmode=prefer', /^none$/, 'only_plain'],
    ['127.0.0.1', 'sslmode=require', /SSL encryption/, 'only_plain'],
    ['127.0.0.1', 'sslmode=require&sslcert={client.pem}&sslkey={client.key}', TLS, 'by_cert'],
    [
      '127.0.0.1',
      'sslmode=require&sslcert={client.pem}&sslkey={encrypted.key}&sslpassword=a%20passphrase',
      TLS,
      'by_cert',
    ],
    ['127.0.0.1', 'sslmode=require', /valid client certificate/, 'by_cert'],
    [
      '127.0.0.1',
      'sslmode=require&sslcert={client.pem}&sslkey={client.key}&sslcertmode=disable',
      /valid client certificate/,
      'by_cert',
    ],
    [
      '127.0.0.1',
      'sslcert={client.pem}&sslkey={encrypted.key}&sslpassword=wrong',
      /^a file of .*sslpassword/,
    ],
    ['127.0.0.1', 'sslcert={client.pem}&sslkey={missing.key}', /^the file of sslkey cannot be read: ENOENT/],
    ['127.0.0.1', 'sslrootcert={ca.cnf}', /^the file of sslrootcert is not in PEM$/],
  ])('should be applied: %s, %s', async (host, parameters, expected, role) => {
    expect(await connectionBy(uri(host, parameters, role))).toMatch(expected);
  });

  it('should be applied where there is no TLS', async () => {
    const shared = await sharedPostgres();
    expect(await connectionBy(`${shared}?sslmode=prefer`)).toBe('none');
    expect(await connectionBy(`${shared}?sslmode=allow`)).toBe('none');
    expect(await connectionBy(`${shared}?sslmode=require`)).toBe('the server does not support TLS');
  });

  it('should encrypt mutations and notifications', async () => {
    const { port, password } = new URL(postgres.url);
    const root = encodeURIComponent(certificates.file('ca.pem'));
    const stores = await openPostgresStores(
      configFor(
        `postgres://postgres:${password}@127.0.0.1:${port}/postgres?sslmode=verify-full&sslrootcert=${root}`,
      ),
    );
    onTestFinished(() => stores.close());
    await stores.forRequest().threads.create(asOwner('alice'), {});
    await stores.drainNotifications();
    const plain = await connected(
      postgres.url,
      (sql) => sql`SELECT FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
        WHERE application_name = 'agent-graphql' AND NOT ssl`,
    );
    expect(plain.count).toBe(0);
  });
});

describe('a connection with TLS', () => {
  it('should end without an error that nobody handles when it is aborted before its first message', async () => {
    const { server } = configFor(uri('127.0.0.1', 'sslmode=require'));
    const [host] = server.hosts;
    if (host === undefined) throw new Error('The URI has no host.');
    const limit = new AbortController();
    const socket = await openSocket(host, null, limit.signal);
    expect(await requestTls(socket)).toBe(true);
    const secureContext = await loadSecureContext(server.tls);
    const secured = await startTls(socket, host, server.tls, secureContext, limit.signal);
    const closed = once(secured, 'close');
    // postgres.js listens, and then writes its first message in the next `setImmediate`.
    secured.on('newListener', (event) => {
      if (event === 'data') setImmediate(() => limit.abort());
    });
    await expect(startSession(secured, server, host, {})).rejects.toThrow('the connection was closed');
    await closed;
  });
});

describe('the hosts of a connection URI', () => {
  it('should be reached by a Unix socket, without TLS', async () => {
    const path = encodeURIComponent(folder);
    expect(await connectionBy(uri('', `host=${path}&sslmode=require`))).toBe('none');
    expect(await connectionBy(uri(path, 'sslmode=verify-full'))).toBe('none');
  });

  it('should be tried in turn', async () => {
    expect(await connectionBy(uri('127.0.0.1:1,127.0.0.1', 'sslmode=require'))).toMatch(TLS);
    expect(await connectionBy(uri(`127.0.0.1:1,${encodeURIComponent(folder)}`, 'sslmode=require'))).toBe(
      'none',
    );
    const nowhere = await connectionBy(uri('127.0.0.1:1,127.0.0.2', 'sslmode=require', 'anyhow', '2'));
    expect(nowhere).toMatch(/^127\.0\.0\.1: .*ECONNREFUSED.*; 127\.0\.0\.2: .*ECONNREFUSED/);
  });

  it('should be tried in a random order on demand', async () => {
    const proxies = await Promise.all([startProxy(postgres.url), startProxy(postgres.url)]);
    onTestFinished(async () => void (await Promise.all(proxies.map((proxy) => proxy.close()))));
    const [first, second] = proxies.map((proxy) => new URL(proxy.through(postgres.url)).port);
    const url = uri(
      `127.0.0.1:${first},127.0.0.1`,
      'sslmode=disable&load_balance_hosts=random',
      'anyhow',
      second,
    );
    // Each of 40 connections is to either: all to one has a probability of 2 to the power of -39.
    for (let i = 0; i < 40; i++) expect(await connectionBy(url)).toBe('none');
    for (const { accepted } of proxies) expect(accepted).toBeGreaterThan(0);
  });

  it('should not be tried after one has refused the user', async () => {
    const proxy = await startProxy(postgres.url);
    onTestFinished(() => proxy.close());
    const { port } = new URL(proxy.through(postgres.url));
    const own = new URL(postgres.url).port;
    expect(await connectionBy(uri(`127.0.0.1:${own},127.0.0.1`, 'sslmode=disable', 'nobody', port))).toMatch(
      /^127\.0\.0\.1: .*"nobody"/,
    );
    expect(proxy.accepted).toBe(0);
  });

  it('should be passed over where they are standbys and only a primary will do', async () => {
    const { port } = new URL(standby.url);
    const { port: primaryPort, username, password } = new URL(postgres.url);
    const database = (hosts: string, wanted: string) =>
      `postgres://${username}:${password}@${hosts}/postgres?target_session_attrs=${wanted}`;
    const both = `127.0.0.1:${port},127.0.0.1:${primaryPort}`;
    // The standby has no TLS.
    expect(await connectionBy(database(both, 'any'))).toBe('none');
    expect(await connectionBy(database(both, 'read-write'))).toMatch(TLS);
    expect(await connectionBy(database(both, 'primary'))).toMatch(TLS);
    const refused = await connectionBy(database(`127.0.0.1:${port}`, 'read-write'));
    expect(refused).toBe('the server is a standby');
  });
});
