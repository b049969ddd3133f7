import * as fc from 'fast-check';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { describe, expect, it } from 'vitest';

import { createAuthenticator } from '../../../src/auth/authenticator.ts';
import { mintToken } from '../../../src/auth/mint-token.ts';
import { asOwner as owner, isOwner } from '../../../src/store/owner.ts';
import { at, HOUR, SECRET, START } from './tokens.ts';

const owners = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('alice', '__proto__')).filter(isOwner);
const settings = { secret: SECRET, issuer: null, audience: null, ownerClaim: 'sub', now: () => START + 999 };

describe('a minted token', () => {
  it('should hold for 24 hours, and say nothing that is not configured', async () => {
    const token = await mintToken({ ...settings, owner: owner('alice') });
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'HS256', typ: 'JWT' });
    expect(decodeJwt(token)).toEqual({ sub: 'alice', iat: at(0), exp: at(24 * 3600) });
  });

  it('should be accepted by an authenticator with the same settings, whatever they are', async () => {
    const text = fc.option(fc.string({ minLength: 1 }));
    const ownerClaim = fc.constantFrom('sub', 'tenant', 'https://example.com/tenant.id', '__proto__');
    await fc.assert(
      fc.asyncProperty(owners, text, text, ownerClaim, async (name, issuer, audience, claim) => {
        const options = { ...settings, issuer, audience, ownerClaim: claim };
        const token = await mintToken({ ...options, owner: name });
        const identity = await createAuthenticator({ ...options, key: SECRET })(`Bearer ${token}`);
        expect(identity).toEqual({ owner: name, worker: null, expiresAt: START + 24 * HOUR });
      }),
    );
  });

  it('should need a secret of 32 bytes', async () => {
    await expect(mintToken({ ...settings, owner: owner('alice'), secret: 'short' })).rejects.toThrow(
      RangeError,
    );
  });
});
