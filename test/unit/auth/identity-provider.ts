import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';

import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { CryptoKey, JWK, JWTPayload } from 'jose';

/** A key of the provider: what it publishes, and what it signs with. */
export interface SigningKey {
  readonly alg: string;
  readonly jwk: JWK;
  readonly publicKey: CryptoKey;
  readonly privateKey: CryptoKey;
  sign(claims: JWTPayload, header?: { readonly kid?: string | undefined }): Promise<string>;
}

/** Makes a real key pair; `kid` undefined for one that is published without an id. */
export async function signingKey(alg: string, kid: string | undefined): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk: JWK = { ...(await exportJWK(publicKey)), alg, use: 'sig', ...(kid !== undefined && { kid }) };
  return {
    alg,
    jwk,
    publicKey,
    privateKey,
    sign: (claims, header = { kid }) =>
      new SignJWT(claims).setProtectedHeader({ alg, ...withoutUndefined(header) }).sign(privateKey),
  };
}

/** A real server for the key set, whose state and answer a test can change. */
export async function startIdentityProvider() {
  const provider = {
    url: new URL('http://127.0.0.1'),
    keys: [] as readonly JWK[],
    requests: 0,
    /** Emits `request` when one has arrived. */
    events: new EventEmitter(),
    answer: publish,
    publish(...keys: readonly SigningKey[]) {
      provider.keys = keys.map(({ jwk }) => jwk);
      provider.answer = publish;
    },
    goDown() {
      provider.answer = hangUp;
    },
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };

  function publish(response: ServerResponse): void {
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: provider.keys }));
  }

  const server = createServer((_request, response) => {
    provider.requests += 1;
    provider.answer(response);
    provider.events.emit('request');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The provider has no port.');
  provider.url = new URL(`http://127.0.0.1:${address.port}/keys`);
  return provider;
}

function hangUp(response: ServerResponse): void {
  response.destroy();
}

function withoutUndefined({ kid }: { readonly kid?: string | undefined }): { kid?: string } {
  return kid === undefined ? {} : { kid };
}
