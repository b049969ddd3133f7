import { once } from 'node:events';
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

/** What issues the tokens of a deployment. */
export interface IdentityProvider {
  /** Where its key set is. */
  readonly keySet: string;
  /** A token for a server with this environment. @param scope with the worker's scope in it, or nothing */
  token(env: Readonly<Record<string, string>>, subject: string, scope?: string): Promise<string>;
  stop(): void;
}

/** Starts a server with a key set on a free port of this machine. */
export async function startIdentityProvider(): Promise<IdentityProvider> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', kid: 'first' }] });
  const server = createServer((_, response) => void response.end(keys));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    keySet: `http://127.0.0.1:${port}/jwks.json`,
    token({ AUTH_ISSUER = '', AUTH_AUDIENCE = '' }, subject, scope = '') {
      return new SignJWT({ scope })
        .setProtectedHeader({ alg: 'ES256', kid: 'first' })
        .setSubject(subject)
        .setIssuer(AUTH_ISSUER)
        .setAudience(AUTH_AUDIENCE)
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(privateKey);
    },
    stop: () => void server.close(),
  };
}
