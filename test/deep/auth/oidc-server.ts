import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { Provider } from 'oidc-provider';
import { z } from 'zod';

/** The API that its access tokens are for. */
export const AUDIENCE = 'https://agents.example.com';
/** The word that it writes into the `scope` of a worker's token. */
export const WORKER_SCOPE = 'runs:execute';
/** Its claim with the user of a client. */
export const OWNER_CLAIM = 'https://example.com/user';

const SECRET = 'the secret of each client of the tests';
const SERVED = [AUDIENCE, 'https://other.example.com'];
/** The user of each client. */
const CLIENTS = { 'alice-web': 'alice', 'alice-phone': 'alice', 'bob-web': 'bob', worker: 'worker-1' };

/** A client of the server, which gets tokens for itself. */
export type ClientId = keyof typeof CLIENTS;

const Discovered = z.object({ issuer: z.string(), jwks_uri: z.string(), token_endpoint: z.string() });
const Issued = z.object({ access_token: z.string(), token_type: z.literal('Bearer') });

/** A request to the token endpoint. Default: for a token of the API, without a scope. */
interface TokenRequest {
  readonly resource?: string;
  readonly scope?: string;
}

/**
 * Starts an OpenID Connect server, oidc-provider, which signs access tokens (RFC 9068) for clients that ask for them with
 * the client credentials grant and a resource indicator (RFC 8707).
 * @param alg of its first key
 */
export async function startOidcServer(alg: string) {
  let keys: readonly JWK[] = [await privateKey(alg, 'first')];
  let handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  const server = createServer((request, response) => void handle(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  const url = `http://127.0.0.1:${address.port}`;
  handle = providerOf(url, keys, alg);
  const discovery = Discovered.parse(await (await fetch(`${url}/.well-known/openid-configuration`)).json());

  return {
    issuer: discovery.issuer,
    keySet: discovery.jwks_uri,
    /** An access token of a client. */
    async token(client: ClientId, { resource = AUDIENCE, scope }: TokenRequest = {}): Promise<string> {
      const response = await fetch(discovery.token_endpoint, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${client}:${SECRET}`)}` },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          resource,
          ...(scope !== undefined && { scope }),
        }),
      });
      return Issued.parse(await response.json()).access_token;
    },
    /** Signs with a new key from now on, and publishes it first, before the old ones. */
    async rotate(newAlg: string, kid: string): Promise<void> {
      keys = [await privateKey(newAlg, kid), ...keys];
      handle = providerOf(url, keys, newAlg);
    },
    /** Publishes its newest key alone. */
    withdrawOldKeys(): void {
      const [newest] = keys;
      if (newest?.alg === undefined) throw new Error('There is no key.');
      keys = [newest];
      handle = providerOf(url, keys, newest.alg);
    },
    async stop(): Promise<void> {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function privateKey(alg: string, kid: string): Promise<JWK> {
  const pair = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(pair.privateKey)), alg, kid, use: 'sig' };
}

function providerOf(issuer: string, keys: readonly JWK[], alg: string) {
  const provider = new Provider(issuer, {
    jwks: { keys },
    clients: Object.keys(CLIENTS).map((id) => ({
      client_id: id,
      client_secret: SECRET,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: alg,
    })),
    clientDefaults: { id_token_signed_response_alg: alg },
    scopes: [WORKER_SCOPE],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo(_context: unknown, resource: string) {
          if (!SERVED.includes(resource)) throw new TypeError(`No tokens are issued for ${resource}.`);
          return {
            scope: WORKER_SCOPE,
            audience: resource,
            accessTokenFormat: 'jwt',
            accessTokenTTL: 3_600,
            jwt: { sign: { alg } },
          };
        },
      },
    },
    extraTokenClaims: (_context: unknown, { clientId }: { readonly clientId: ClientId }) => ({
      [OWNER_CLAIM]: CLIENTS[clientId],
    }),
  });
  return provider.callback();
}
