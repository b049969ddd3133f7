import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { giveTo, type User } from './user.ts';

/**
 * Certificates of a test's own, as files in PEM: `ca.pem`, which signed `server.pem` and `client.pem`, `other.pem`, which
 * signed nothing, and lists of what `ca.pem` has revoked: `none-revoked.pem` and `server-revoked.pem`. The keys are
 * `server.key` and `client.key`, and the latter also `encrypted.key`.
 */
export interface Certificates {
  /** The path of one of the files. */
  file(name: string): string;
  /** Lets a user read the server's files, and nobody else its key. */
  giveServerKeyTo(user: User): Promise<void>;
  remove(): Promise<void>;
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
/** What `openssl ca` needs to make revocation lists. */
const CA_CONFIG = `[ca]
default_ca = own
[own]
database = index.txt
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_crl_days = 1
`;

/**
 * Makes certificates by the program openssl, valid for a day.
 * @param names of the server, as `DNS:…` and `IP:…`
 * @param role whom the client's certificate names
 * @param passphrase of the client's encrypted key
 */
export async function makeCertificates(
  names: readonly string[],
  role: string,
  passphrase: string,
): Promise<Certificates> {
  const cwd = await mkdtemp(join(tmpdir(), 'agent-graphql-certificates-'));
  const openssl = (...args: readonly string[]) => promisify(execFile)('openssl', args, { cwd });

  async function makeRoot(name: string): Promise<void> {
    const subject = ['-subj', `/CN=${name}`];
    await openssl(
      'req',
      '-x509',
      ...NEW_KEY,
      ...subject,
      '-days',
      '1',
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
    );
  }
  async function makeSigned(name: string, commonName: string, extensions: string): Promise<void> {
    await writeFile(join(cwd, `${name}.cnf`), extensions);
    await openssl(
      'req',
      ...NEW_KEY,
      '-subj',
      `/CN=${commonName}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
    );
    const signer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '1'];
    await openssl(
      'x509',
      '-req',
      ...signer,
      '-extfile',
      `${name}.cnf`,
      '-in',
      `${name}.csr`,
      '-out',
      `${name}.pem`,
    );
  }

  await makeRoot('ca');
  await makeRoot('other');
  await makeSigned('server', 'server', `subjectAltName = ${names.join()}\n`);
  await makeSigned('client', role, 'extendedKeyUsage = clientAuth\n');
  const encryption = ['-v2', 'aes-256-cbc', '-passout', `pass:${passphrase}`];
  await openssl('pkcs8', '-topk8', ...encryption, '-in', 'client.key', '-out', 'encrypted.key');

  await writeFile(join(cwd, 'ca.cnf'), CA_CONFIG);
  await writeFile(join(cwd, 'index.txt'), '');
  await openssl('ca', '-config', 'ca.cnf', '-gencrl', '-out', 'none-revoked.pem');
  await openssl('ca', '-config', 'ca.cnf', '-revoke', 'server.pem');
  await openssl('ca', '-config', 'ca.cnf', '-gencrl', '-out', 'server-revoked.pem');
  return {
    file: (name) => join(cwd, name),
    async giveServerKeyTo(user) {
      await chmod(cwd, 0o755);
      await chmod(join(cwd, 'server.key'), 0o600);
      await giveTo(user, join(cwd, 'server.key'));
    },
    remove: () => rm(cwd, { recursive: true }),
  };
}
