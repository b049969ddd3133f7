import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAuthenticator } from '../../src/auth/authenticator.ts';
import { KeySetUnavailableError } from '../../src/auth/auth-errors.ts';
import { type SigningKey, signingKey, startIdentityProvider } from '../unit/auth/identity-provider.ts';
import { openApi } from '../support/api.ts';
import { HOUR } from '../support/hour.ts';
import { codesOf, graphqlUrl, INNARDS, request } from './request.ts';

let provider: Awaited<ReturnType<typeof startIdentityProvider>>;
let key: SigningKey;

beforeEach(async () => {
  provider = await startIdentityProvider();
  key = await signingKey('ES256', 'first');
});

afterEach(() => provider.stop());

function openApiOf(url: URL) {
  const rules = { issuer: null, audience: null, ownerClaim: 'sub', keySetTimeout: HOUR };
  return openApi({ authenticate: createAuthenticator({ key: url, ...rules }) });
}

async function authorization(): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return `Bearer ${await key.sign({ sub: 'alice', iat: now, exp: now + 3_600 })}`;
}

const QUERY = graphqlUrl({ query: '{ threads { totalCount } }' });

describe('a key set that cannot be fetched', () => {
  it('should be 503 and not 401, with its cause in the log alone', async () => {
    provider.goDown();
    const { api, logged } = openApiOf(provider.url);
    const headers = { authorization: await authorization(), origin: 'http://localhost:3000' };
    for (const accept of ['application/json', 'application/graphql-response+json']) {
      const answer = await request(api, QUERY, { headers: { ...headers, accept } });
      expect({ status: answer.status, codes: codesOf(answer.text) }).toEqual({
        status: 503,
        codes: ['SERVICE_UNAVAILABLE'],
      });
      expect(answer.text).not.toMatch(INNARDS);
      expect(answer.text).not.toContain(provider.url.host);
      expect(answer.headers.has('www-authenticate')).toBe(false);
      expect(answer.headers.get('access-control-allow-origin')).toBe('http://localhost:3000');
    }
    expect(logged).toEqual([expect.any(KeySetUnavailableError), expect.any(KeySetUnavailableError)]);
  });

  it('should be 503 where nothing listens', async () => {
    const gone = await startIdentityProvider();
    await gone.stop();
    const headers = { authorization: await authorization() };
    const { status } = await request(openApiOf(gone.url).api, QUERY, { headers });
    expect(status).toBe(503);
  });

  it('should harm none who needs no key', async () => {
    provider.goDown();
    const { api } = openApiOf(provider.url);
    expect((await request(api, graphqlUrl({ query: '{ __typename }' }))).status).toBe(200);
    expect((await request(api, QUERY)).status).toBe(401);
    expect((await request(api, QUERY, { headers: { authorization: 'Bearer x' } })).status).toBe(401);
    expect((await request(api, '/ready')).status).toBe(200);
  });

  it('should be fetched as soon as its provider is back', async () => {
    provider.goDown();
    const { api } = openApiOf(provider.url);
    const headers = { authorization: await authorization() };
    expect((await request(api, QUERY, { headers })).status).toBe(503);
    provider.publish(key);
    const { status, text } = await request(api, QUERY, { headers });
    expect({ status, body: JSON.parse(text) }).toEqual({
      status: 200,
      body: { data: { threads: { totalCount: 0 } } },
    });
  });
});
