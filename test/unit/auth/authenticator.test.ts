import * as fc from 'fast-check';
import { UnsecuredJWT } from 'jose';
import { describe, expect, it } from 'vitest';

import { UnauthenticatedError } from '../../../src/auth/auth-errors.ts';
import { createAuthenticator } from '../../../src/auth/authenticator.ts';
import type { AuthenticatorOptions } from '../../../src/auth/authenticator.ts';
import { signingKey } from './identity-provider.ts';
import { at, claims, HOUR, SECRET, signed, START, testClock } from './tokens.ts';

const defaults = { key: SECRET, issuer: null, audience: null, ownerClaim: 'sub', now: () => START };

async function identify(token: string, options: Partial<AuthenticatorOptions> = {}) {
  return createAuthenticator({ ...defaults, ...options })(`Bearer ${token}`);
}

/** The message that the sender of a refused token gets. */
async function refusalOf(token: string, options: Partial<AuthenticatorOptions> = {}): Promise<string> {
  const error: unknown = await identify(token, options).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UnauthenticatedError);
  return error instanceof Error ? error.message : '';
}

describe('the Authorization header', () => {
  it('should be optional', () => {
    expect(createAuthenticator(defaults)(null)).toBeNull();
  });

  it.each(['', 'Bearer', 'Bearer ', 'Basic YWxpY2U6cGFzcw==', 'bearer:abc', 'Bearer two words', 'Bearer ä'])(
    'should be refused as %j',
    (header) => {
      expect(() => createAuthenticator(defaults)(header)).toThrow(UnauthenticatedError);
    },
  );

  it('should name its scheme in any case', async () => {
    const token = await signed(claims());
    expect(await createAuthenticator(defaults)(`bEARER  ${token}`)).toMatchObject({ owner: 'alice' });
  });

  it('should never lead to another error or an identity, whatever garbage it holds', async () => {
    const authenticate = createAuthenticator(defaults);
    const part = fc.oneof(
      fc.base64String(),
      fc.json().map((json) => Buffer.from(json).toString('base64url')),
      fc.constant(Buffer.from('{"alg":"HS256"}').toString('base64url')),
    );
    const garbage = fc.oneof(
      fc.string(),
      fc.string().map((text) => `Bearer ${text}`),
      fc.array(part, { maxLength: 4 }).map((parts) => `Bearer ${parts.join('.')}`),
    );
    await fc.assert(
      fc.asyncProperty(garbage, async (header) => {
        const authenticated = (async () => authenticate(header))();
        await expect(authenticated).rejects.toBeInstanceOf(UnauthenticatedError);
      }),
    );
  });
});

describe('a token signed with the secret', () => {
  it('should give its owner and the moment it ends', async () => {
    expect(await identify(await signed(claims()))).toEqual({
      owner: 'alice',
      worker: null,
      expiresAt: START + HOUR,
    });
  });

  it('should end 24 hours after it was issued at the latest', async () => {
    const token = await signed(claims({ iat: at(-3600), exp: at(1e6) }));
    expect(await identify(token)).toEqual({ owner: 'alice', worker: null, expiresAt: START + 23 * HOUR });
  });

  it('should be refused when the secret is another', async () => {
    expect(await refusalOf(await signed(claims(), SECRET.toUpperCase()))).toContain('signature');
  });

  it('should be refused when it is not signed', async () => {
    const token = new UnsecuredJWT(claims()).encode();
    expect(await refusalOf(token)).toContain('algorithm');
  });

  it.each(['HS384', 'HS512'])('should be refused when it is signed by %s', async (alg) => {
    expect(await refusalOf(await signed(claims(), SECRET.repeat(2), alg))).toContain('algorithm');
  });

  it('should be refused when it is signed with an asymmetric key', async () => {
    const key = await signingKey('ES256', 'a');
    expect(await refusalOf(await key.sign(claims()))).toContain('algorithm');
  });

  it('should be refused when its claims were changed', async () => {
    const [header, , signature] = (await signed(claims())).split('.');
    const payload = Buffer.from(JSON.stringify(claims({ sub: 'bob' }))).toString('base64url');
    expect(await refusalOf(`${header}.${payload}.${signature}`)).toContain('signature');
  });

  it('should need a secret of 32 bytes', () => {
    expect(() => createAuthenticator({ ...defaults, key: 'x'.repeat(31) })).toThrow(RangeError);
  });
});

describe('the claims about time', () => {
  it.each([
    ['expired', { iat: at(-100), exp: at(-10) }, 'expired'],
    ['without exp', { exp: undefined }, '"exp"'],
    ['without iat, for more than 24 hours', { iat: undefined, exp: at(24 * 3600 + 11) }, 'no claim "iat"'],
    ['with a text for exp', { exp: String(at(3600)) }, '"exp" must be a number'],
    ['with a text for iat', { iat: String(at(0)) }, '"iat" must be a number'],
    ['issued in the future', { iat: at(11) }, 'issued in the future'],
    ['not valid yet', { nbf: at(11) }, 'not valid yet'],
    ['older than 24 hours', { iat: at(-24 * 3600 - 11) }, '24 hours'],
  ])('should refuse a token %s', async (_kind, changes, message) => {
    expect(await refusalOf(await signed(claims(changes)))).toContain(message);
  });

  it('should accept a token without iat, up to its exp', async () => {
    const token = await signed(claims({ iat: undefined, exp: at(24 * 3600) }));
    expect(await identify(token)).toEqual({ owner: 'alice', worker: null, expiresAt: START + 24 * HOUR });
  });

  it.each([
    ['expired', { iat: at(-100), exp: at(-9) }],
    ['issued in the future', { iat: at(10) }],
    ['not valid yet', { nbf: at(10) }],
    ['older than 24 hours', { iat: at(-24 * 3600 - 10) }],
  ])('should forgive clocks that are 10 s apart when a token is %s', async (_kind, changes) => {
    expect(await identify(await signed(claims(changes)))).toMatchObject({ owner: 'alice' });
  });
});

describe('issuer and audience', () => {
  const options = { issuer: 'https://id.example.com', audience: 'agents' };
  const good = { iss: 'https://id.example.com', aud: 'agents' };

  it('should be accepted as configured, the audience also in a list', async () => {
    expect(await identify(await signed(claims(good)), options)).toMatchObject({ owner: 'alice' });
    const token = await signed(claims({ ...good, aud: ['other', 'agents'] }));
    expect(await identify(token, options)).toMatchObject({ owner: 'alice' });
  });

  it('should be anything when not configured', async () => {
    expect(await identify(await signed(claims({ iss: 'x', aud: 'y' })))).toMatchObject({ owner: 'alice' });
  });

  it.each([
    ['another issuer', { iss: 'https://id.example.com/' }, 'issuer'],
    ['no issuer', { iss: undefined }, '"iss"'],
    ['another audience', { aud: 'Agents' }, 'audience'],
    ['other audiences', { aud: ['a', 'b'] }, 'audience'],
    ['no audience', { aud: undefined }, '"aud"'],
  ])('should be refused as %s', async (_kind, changes, message) => {
    expect(await refusalOf(await signed(claims({ ...good, ...changes })), options)).toContain(message);
  });
});

describe('the owner', () => {
  it.each([
    ['absent', undefined],
    ['null', null],
    ['empty', ''],
    ['blank', ' \u00a0\t'],
    ['too long', 'a'.repeat(256)],
    ['with a control character', 'alice\u0000'],
    ['a lone surrogate', 'alice\ud800'],
    ['a number', 7],
    ['a list', ['alice']],
    ['an object', { name: 'alice' }],
  ])('should be refused when it is %s', async (_kind, sub) => {
    expect(await refusalOf(await signed(claims({ sub })))).toContain('"sub"');
  });

  it.each(['__proto__', 'constructor', 'toString', ' a ', '😀'.repeat(255)])(
    'should be any other text, such as %j',
    async (sub) => {
      expect(await identify(await signed(claims({ sub })))).toMatchObject({ owner: sub });
    },
  );

  it.each(['tenant', 'https://example.com/tenant.id', 'a.b', '__proto__', 'constructor'])(
    'should be named by the claim %j when that is configured',
    async (ownerClaim) => {
      const token = await signed(claims({ [ownerClaim]: 'acme' }));
      expect(await identify(token, { ownerClaim })).toMatchObject({ owner: 'acme' });
    },
  );

  it.each(['tenant', 'toString', '__proto__', 'a.b'])(
    'should be refused when the configured claim %j is not there',
    async (ownerClaim) => {
      const token = await signed(claims({ a: { b: 'acme' } }));
      expect(await refusalOf(token, { ownerClaim })).toBe(`The token lacks the claim "${ownerClaim}".`);
    },
  );
});

it('should need no subject when another claim names the owner', async () => {
  const token = await signed(claims({ sub: undefined, tenant: 'acme' }));
  expect(await identify(token, { ownerClaim: 'tenant' })).toMatchObject({ owner: 'acme' });
});

describe('a refusal', () => {
  it('should not repeat the token, and keep the reason as its cause', async () => {
    const token = await signed(claims({ sub: 'secret\u0007name', iss: 'evil' }));
    for (const options of [{}, { issuer: 'good' }, { key: SECRET.toUpperCase() }]) {
      const message = await refusalOf(token, options);
      expect(message).not.toMatch(/name|evil/);
      expect(message.length).toBeLessThan(200);
    }
    await expect(identify(token, { issuer: 'good' })).rejects.toHaveProperty('cause.claim', 'iss');
  });
});

describe('a token seen before', () => {
  it('should be answered at once', async () => {
    const authenticate = createAuthenticator(defaults);
    const header = `Bearer ${await signed(claims())}`;
    const first = authenticate(header);
    expect(first).toBeInstanceOf(Promise);
    expect(authenticate(header)).toBeInstanceOf(Promise);
    expect(authenticate(header)).not.toBeNull();
    await first;
    expect(authenticate(header)).toEqual({ owner: 'alice', worker: null, expiresAt: START + HOUR });
  });

  it('should be refused once it has expired, clock tolerance included', async () => {
    const { now, advance } = testClock();
    const authenticate = createAuthenticator({ ...defaults, now });
    const header = `Bearer ${await signed(claims())}`;
    await authenticate(header);
    advance(HOUR + 9_999);
    expect(authenticate(header)).toMatchObject({ owner: 'alice' });
    advance(1);
    await expect(authenticate(header)).rejects.toThrow('expired');
  });

  it('should be refused 24 hours after it was issued', async () => {
    const { now, advance } = testClock();
    const authenticate = createAuthenticator({ ...defaults, now });
    const header = `Bearer ${await signed(claims({ exp: at(1e6) }))}`;
    await authenticate(header);
    advance(24 * HOUR + 9_999);
    expect(authenticate(header)).toMatchObject({ owner: 'alice' });
    advance(1001);
    await expect(authenticate(header)).rejects.toThrow('24 hours');
  });

  it('should stay refused when it was refused', async () => {
    const authenticate = createAuthenticator(defaults);
    const header = `Bearer ${await signed(claims({ sub: '' }))}`;
    await expect(authenticate(header)).rejects.toThrow(UnauthenticatedError);
    await expect(authenticate(header)).rejects.toThrow(UnauthenticatedError);
  });
});
