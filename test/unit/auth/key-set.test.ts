import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

import { exportJWK, exportSPKI, SignJWT, UnsecuredJWT } from 'jose';
import type { JWK } from 'jose';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { KeySetUnavailableError, UnauthenticatedError } from '../../../src/auth/auth-errors.ts';
import { createAuthenticator } from '../../../src/auth/authenticator.ts';
import type { Authenticate } from '../../../src/auth/authenticator.ts';
import { signingKey, startIdentityProvider } from './identity-provider.ts';
import type { SigningKey } from './identity-provider.ts';
import { at, claims, HOUR, testClock } from './tokens.ts';

const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'];
const TEN_MINUTES = 600_000;

let everyAlgorithm: readonly SigningKey[];
let first: SigningKey;
let second: SigningKey;
let provider: Awaited<ReturnType<typeof startIdentityProvider>>;
let clock: ReturnType<typeof testClock>;
/** Gives up the last fetch of the keys: no other time limits one. */
let late: AbortController;
let serial = 0;

beforeAll(async () => {
  everyAlgorithm = await Promise.all(ALGORITHMS.map((alg) => signingKey(alg, `the ${alg} key`)));
  first = await signingKey('ES256', 'first');
  second = await signingKey('ES256', 'second');
});

beforeEach(async () => {
  provider = await startIdentityProvider();
  clock = testClock();
});

afterEach(() => provider.stop());

function authenticator() {
  const rules = { issuer: null, audience: null, ownerClaim: 'sub' };
  return createAuthenticator({ key: provider.url, now: clock.now, keySetDeadline, ...rules });
}

function keySetDeadline(): AbortSignal {
  late = new AbortController();
  return late.signal;
}

/** A header with a token that was not seen before. */
async function bearer(key: SigningKey, header?: { readonly kid?: string | undefined }): Promise<string> {
  serial += 1;
  return `Bearer ${await key.sign(claims({ jti: String(serial), exp: at(20 * 3600) }), header)}`;
}

const alice = expect.objectContaining({ owner: 'alice' });

describe('the fetch of the key set', () => {
  it('should be given up after 5 s by default', async () => {
    const timeout = vi.spyOn(AbortSignal, 'timeout');
    const rules = { issuer: null, audience: null, ownerClaim: 'sub' };
    provider.publish(first);
    await createAuthenticator({ key: provider.url, now: clock.now, ...rules })(await bearer(first));
    // jose makes a signal of its own, of 5 s too, which is not used.
    expect(new Set(timeout.mock.calls.flat())).toEqual(new Set([5_000]));
    timeout.mockRestore();
  });
});

describe('a token signed by the identity provider', () => {
  it.each(ALGORITHMS)('should be accepted by %s', async (alg) => {
    provider.publish(...everyAlgorithm);
    const key = everyAlgorithm.find((candidate) => candidate.alg === alg) ?? first;
    expect(await authenticator()(await bearer(key))).toEqual(alice);
  });

  it.each(ALGORITHMS)('should be refused when another %s key signed it under the same id', async (alg) => {
    const key = everyAlgorithm.find((candidate) => candidate.alg === alg) ?? first;
    const impostor = await signingKey(alg, key.jwk.kid);
    provider.publish(...everyAlgorithm);
    await expect(authenticator()(await bearer(impostor))).rejects.toThrow(UnauthenticatedError);
  });

  it.each([
    ['Ed25519', 'EdDSA'],
    ['EdDSA', 'Ed25519'],
  ])('should be accepted with %s in its header, and %s in the key set', async (inToken, inSet) => {
    const key = await signingKey(inToken, 'one key');
    provider.publish({ ...key, jwk: { ...key.jwk, alg: inSet } });
    expect(await authenticator()(await bearer(key))).toEqual(alice);
  });

  it('should be refused when it is signed by HS256 with the public key as the secret', async () => {
    provider.publish(...everyAlgorithm);
    const [rsa] = everyAlgorithm;
    const spki = await exportSPKI(rsa?.publicKey ?? first.publicKey);
    for (const secret of [spki, spki.trim(), JSON.stringify(rsa?.jwk)]) {
      const header = { alg: 'HS256', kid: rsa?.jwk.kid ?? '' };
      const token = await new SignJWT(claims()).setProtectedHeader(header).sign(Buffer.from(secret));
      await expect(authenticator()(`Bearer ${token}`)).rejects.toThrow('algorithm');
    }
  });

  it('should be refused when it is not signed', async () => {
    provider.publish(first);
    const token = new UnsecuredJWT(claims()).encode();
    await expect(authenticator()(`Bearer ${token}`)).rejects.toThrow('algorithm');
    expect(provider.requests).toBe(0);
  });

  it('should be refused when it is signed by an algorithm that is not accepted, even with a published key', async () => {
    const key = await signingKey('ES384', 'strong');
    provider.publish(key);
    await expect(authenticator()(await bearer(key))).rejects.toThrow('algorithm');
  });

  it('should be refused when it has expired', async () => {
    provider.publish(first);
    const token = await first.sign(claims({ exp: at(-10) }));
    await expect(authenticator()(`Bearer ${token}`)).rejects.toThrow('expired');
  });

  it('should be answered at once when seen before, without another fetch', async () => {
    provider.publish(first);
    const authenticate = authenticator();
    const header = await bearer(first);
    await authenticate(header);
    expect(authenticate(header)).toEqual(alice);
    expect(provider.requests).toBe(1);
  });
});

describe('a token that does not name its key', () => {
  it('should be tried with every key that may have signed it', async () => {
    provider.publish(first, second);
    const authenticate = authenticator();
    expect(await authenticate(await bearer(first, {}))).toEqual(alice);
    expect(await authenticate(await bearer(second, {}))).toEqual(alice);
  });

  it('should be accepted with keys that have no id', async () => {
    const nameless = await signingKey('ES256', undefined);
    provider.publish(nameless);
    expect(await authenticator()(await bearer(nameless))).toEqual(alice);
  });

  it('should be refused when none of them did', async () => {
    provider.publish(first, second);
    const stranger = await signingKey('ES256', undefined);
    await expect(authenticator()(await bearer(stranger))).rejects.toThrow('signature');
  });

  it('should be refused for its claims when one of them did', async () => {
    provider.publish(first, second);
    const token = await first.sign(claims({ exp: at(-10) }), {});
    await expect(authenticator()(`Bearer ${token}`)).rejects.toThrow('expired');
  });
});

describe('a rotation of keys', () => {
  it('should be noticed with the first token of the new key', async () => {
    provider.publish(first);
    const authenticate = authenticator();
    await authenticate(await bearer(first));
    provider.publish(first, second);
    expect(await authenticate(await bearer(second))).toEqual(alice);
    expect(provider.requests).toBe(2);
  });

  it('should refuse tokens of a key that was withdrawn, also those accepted before', async () => {
    provider.publish(first);
    const authenticate = authenticator();
    const header = await bearer(first);
    await authenticate(header);
    provider.publish(second);
    await authenticate(await bearer(second));
    await expect(authenticate(header)).rejects.toThrow(UnauthenticatedError);
  });

  it('should be noticed after ten minutes at the latest', async () => {
    provider.publish(first);
    const authenticate = authenticator();
    await authenticate(await bearer(first));
    provider.publish(second);
    clock.advance(TEN_MINUTES - 1);
    expect(await authenticate(await bearer(first))).toEqual(alice);
    expect(provider.requests).toBe(1);
    clock.advance(1);
    await expect(authenticate(await bearer(first))).rejects.toThrow(UnauthenticatedError);
  });

  it('should be noticed as soon by who sends one token again and again', async () => {
    provider.publish(first);
    const authenticate = authenticator();
    const header = await bearer(first);
    await authenticate(header);
    provider.publish(second);
    clock.advance(TEN_MINUTES - 1);
    expect(authenticate(header)).toEqual(alice);
    clock.advance(1);
    await expect(authenticate(header)).rejects.toThrow(UnauthenticatedError);
    expect(provider.requests).toBeLessThanOrEqual(3);
  });

  it('should be told from a fetch of the same keys, which forgets no token', async () => {
    provider.publish(first);
    const authenticate = authenticator();
    const header = await bearer(first);
    await authenticate(header);
    clock.advance(TEN_MINUTES);
    await authenticate(await bearer(first));
    expect(provider.requests).toBe(2);
    expect(authenticate(header)).toEqual(alice);
  });

  it('should cost one fetch for all tokens that come at once', async () => {
    provider.publish(first);
    const authenticate = authenticator();
    const headers = await Promise.all(Array.from({ length: 20 }, () => bearer(first)));
    const identities = await Promise.all(headers.map(async (header) => authenticate(header)));
    expect(identities).toEqual(headers.map(() => alice));
    expect(provider.requests).toBe(1);
  });
});

describe('made-up key ids', () => {
  it('should cause a bounded number of fetches', async () => {
    provider.publish(first);
    const authenticate = authenticator();
    await refuseStrangers(authenticate, 100);
    expect(provider.requests).toBe(5);
    clock.advance(29_999);
    await refuseStrangers(authenticate, 10);
    expect(provider.requests).toBe(5);
    clock.advance(1);
    await refuseStrangers(authenticate, 10);
    expect(provider.requests).toBe(6);
  });

  it('should cause a bounded number of fetches when they come at once', async () => {
    provider.publish(first);
    const authenticate = authenticator();
    await Promise.all(Array.from({ length: 100 }, () => refuseStrangers(authenticate, 1)));
    expect(provider.requests).toBeLessThanOrEqual(5);
  });

  it('should not hinder the tokens of known keys', async () => {
    provider.publish(first);
    const authenticate = authenticator();
    await refuseStrangers(authenticate, 10);
    expect(await authenticate(await bearer(first))).toEqual(alice);
  });
});

/** Sends tokens one after the other, each with another key id that no one knows. */
async function refuseStrangers(authenticate: Authenticate, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += 1) {
    const header = await bearer(second, { kid: `made up ${serial}` });
    await expect(authenticate(header)).rejects.toThrow(UnauthenticatedError);
  }
}

const FAILURES: readonly (readonly [string, (response: ServerResponse) => void])[] = [
  ['hangs up', (response) => response.destroy()],
  ['answers 500', (response) => response.writeHead(500).end('{"keys":[]}')],
  ['answers 404', (response) => response.writeHead(404).end('{"keys":[]}')],
  ['redirects', (response) => response.writeHead(302, { location: '/elsewhere' }).end()],
  ['answers what is not JSON', (response) => response.end('<html>')],
  ['answers without keys', (response) => response.end('{}')],
  ['answers keys that are no list', (response) => response.end('{"keys":{}}')],
  ['answers keys that are no objects', (response) => response.end('{"keys":[1]}')],
  ['answers half', answerHalf],
  ['does not answer', doNotAnswer],
];

function answerHalf(response: ServerResponse): void {
  response.writeHead(200, { 'content-length': 99 }).write('{"keys":[', waitInVain);
}

function doNotAnswer(): void {
  waitInVain();
}

/** Lets the time of a fetch end soon after it has arrived. */
function waitInVain(): void {
  const controller = late;
  setTimeout(() => controller.abort(new DOMException('The time is over.', 'TimeoutError')), 20);
}

describe.each(FAILURES)('a provider that %s', (_kind, fail) => {
  it('should make every token uncheckable when it never answered before', async () => {
    provider.answer = fail;
    await expect(authenticator()(await bearer(first))).rejects.toThrow(KeySetUnavailableError);
  });

  it('should leave the last good keys in force, for hours', async () => {
    provider.publish(first);
    const authenticate = authenticator();
    await authenticate(await bearer(first));
    provider.answer = fail;
    clock.advance(TEN_MINUTES);
    expect(await authenticate(await bearer(first))).toEqual(alice);
    clock.advance(12 * HOUR);
    expect(await authenticate(await bearer(first))).toEqual(alice);
    expect(provider.requests).toBeGreaterThanOrEqual(2);
  });

  it('should make tokens of unknown keys uncheckable rather than refused, until it is back', async () => {
    provider.publish(first);
    const authenticate = authenticator();
    await authenticate(await bearer(first));
    provider.answer = fail;
    const header = await bearer(second);
    await expect(authenticate(header)).rejects.toThrow(KeySetUnavailableError);
    provider.publish(second);
    expect(await authenticate(header)).toEqual(alice);
  });
});

describe('an outage of the provider', () => {
  it('should not be hammered with fetches', async () => {
    provider.goDown();
    const authenticate = authenticator();
    for (let index = 0; index < 20; index += 1) {
      await expect(authenticate(await bearer(first))).rejects.toThrow(KeySetUnavailableError);
    }
    expect(provider.requests).toBe(5);
    provider.publish(first);
    clock.advance(30_000);
    expect(await authenticate(await bearer(first))).toEqual(alice);
  });

  it('should still say of an unknown key that it cannot be checked once the limit is reached', async () => {
    provider.publish(first);
    const authenticate = authenticator();
    await authenticate(await bearer(first));
    provider.goDown();
    for (let index = 0; index < 20; index += 1) {
      await expect(authenticate(await bearer(second))).rejects.toThrow(KeySetUnavailableError);
    }
    expect(provider.requests).toBe(5);
  });

  it('should not make tokens of known keys wait, and end with the next token, not ten minutes later', async () => {
    const waiting: ServerResponse[] = [];
    provider.publish(first);
    const authenticate = authenticator();
    await authenticate(await bearer(first));
    provider.goDown();
    await expect(authenticate(await bearer(second))).rejects.toThrow(KeySetUnavailableError);

    const retried = once(provider.events, 'request');
    provider.answer = (response) => void waiting.push(response);
    expect(await authenticate(await bearer(first))).toEqual(alice);
    await retried;
    expect(waiting).toHaveLength(1);
  });

  it('should leave no trace once it is over', async () => {
    provider.publish(first);
    const authenticate = authenticator();
    await authenticate(await bearer(first));
    provider.goDown();
    await expect(authenticate(await bearer(second))).rejects.toThrow(KeySetUnavailableError);
    provider.publish(first);
    await expect(authenticate(await bearer(second))).rejects.toThrow(UnauthenticatedError);
    const { requests } = provider;
    await authenticate(await bearer(first));
    await authenticate(await bearer(first));
    expect(provider.requests).toBe(requests);
  });

  it('should keep what went wrong as the cause, and out of the message', async () => {
    provider.goDown();
    const error: unknown = await Promise.resolve(authenticator()(await bearer(first))).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ message: expect.not.stringContaining('fetch'), cause: expect.any(Error) });
  });
});

describe('a published key that cannot be used', () => {
  it.each<[string, () => Promise<JWK>]>([
    ['is damaged', async () => ({ ...first.jwk, x: 'AAAA' })],
    ['is private', async () => ({ ...(await exportJWK(first.privateKey)), kid: 'first' })],
  ])('should make its tokens uncheckable when it %s, since they may be good', async (_kind, published) => {
    provider.keys = [await published()];
    await expect(authenticator()(await bearer(first))).rejects.toThrow(KeySetUnavailableError);
  });

  it('should not hinder the other keys', async () => {
    const { publicKey: weak } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const [rsa] = everyAlgorithm;
    const unusable = [
      { ...second.jwk, x: 'AAAA' },
      { ...weak.export({ format: 'jwk' }), kty: 'RSA' },
      { kty: 'new' },
    ];
    provider.publish(first, ...everyAlgorithm);
    provider.keys = [...unusable, ...provider.keys];
    const authenticate = authenticator();
    expect(await authenticate(await bearer(first))).toEqual(alice);
    expect(await authenticate(await bearer(first, {}))).toEqual(alice);
    expect(await authenticate(await bearer(rsa ?? first, {}))).toEqual(alice);
  });
});
