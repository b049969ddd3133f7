import { errors } from 'jose';
import type { JWTPayload } from 'jose';

import type { MaybePromise } from '../lib/maybe-promise.ts';
import { isOwner } from '../store/owner.ts';
import { UnauthenticatedError } from './auth-errors.ts';
import type { Identity } from './identity.ts';
import { refusal } from './refusal.ts';
import { rememberedTokens } from './remembered-tokens.ts';
import { CLOCK_TOLERANCE, MAX_TOKEN_AGE } from './token-limits.ts';
import { keySetVerifier, secretVerifier } from './verifier.ts';
import type { ClaimRules } from './verifier.ts';

export interface AuthenticatorOptions {
  /** What signs the tokens: the HS256 secret (32 bytes at least), or where the identity provider's keys are. */
  readonly key: string | URL;
  /** The `iss` that a token must have; null when any will do. */
  readonly issuer: string | null;
  /** The `aud` that a token must have or list; null when any will do. */
  readonly audience: string | null;
  /** The name of the claim that names the owner, taken literally: dots lead to no inner claim. */
  readonly ownerClaim: string;
  /** The time in ms since the epoch. */
  readonly now?: () => number;
  /** After how many ms a fetch of the identity provider's keys has failed; 5 s by default. */
  readonly keySetTimeout?: number;
}

/**
 * Tells who sent a request by the value of its `Authorization` header, null when it has none: null for null,
 * the identity at once for a token seen before, a promise of it otherwise.
 *
 * @throws UnauthenticatedError when the header holds no valid token (thrown, or the promise is rejected)
 * @throws KeySetUnavailableError when the token cannot be checked because the provider's keys are out of reach
 */
export type Authenticate = (authorization: string | null) => MaybePromise<Identity | null>;

/**
 * Makes the check of bearer tokens (https://www.rfc-editor.org/rfc/rfc6750). A token is a signed JWT with
 * `exp`, `iat` and `sub`, at most 24 h old. What verifies it follows from `key` alone, never from the token.
 *
 * @throws RangeError when the secret is shorter than 32 bytes
 */
export function createAuthenticator(options: AuthenticatorOptions): Authenticate {
  const { key, ownerClaim, now = Date.now, keySetTimeout: timeout } = options;
  const remembered = rememberedTokens({ now });
  // A key that the provider withdrew must not live on in the tokens that it once verified.
  let generation = 0;
  const onChange = () => {
    generation += 1;
    remembered.clear();
  };
  const verifier =
    key instanceof URL ? keySetVerifier({ url: key, now, onChange, timeout }) : secretVerifier(key);
  const rules = claimRules(options);

  async function identify(token: string): Promise<Identity> {
    const started = generation;
    try {
      const claims = await verifier.verify(token, { ...rules, currentDate: new Date(now()) });
      const identity = identityOf(claims, ownerClaim);
      if (generation === started) remembered.add(token, identity);
      return identity;
    } catch (error) {
      throw error instanceof errors.JOSEError
        ? new UnauthenticatedError(refusal(error), { cause: error })
        : error;
    }
  }

  /** Accepts a remembered token again, unless the provider has other keys by now. */
  async function confirm(token: string): Promise<Identity> {
    await verifier.refreshWhenDue();
    return remembered.get(token) ?? identify(token);
  }

  return (authorization) => {
    if (authorization === null) return null;
    const token = bearerToken(authorization);
    const known = remembered.get(token);
    if (known === undefined) return identify(token);
    return verifier.isDue() ? confirm(token) : known;
  };
}

const BEARER = /^Bearer +([\w.~+/=-]+)$/i;

function bearerToken(authorization: string): string {
  const token = BEARER.exec(authorization)?.[1];
  if (token === undefined)
    throw new UnauthenticatedError('Send the header as "Authorization: Bearer <token>".');
  return token;
}

function claimRules({ issuer, audience, ownerClaim }: AuthenticatorOptions): ClaimRules {
  return {
    requiredClaims: ['exp', 'sub', ownerClaim],
    maxTokenAge: MAX_TOKEN_AGE,
    clockTolerance: CLOCK_TOLERANCE,
    ...(issuer !== null && { issuer }),
    ...(audience !== null && { audience }),
  };
}

function identityOf(claims: JWTPayload, ownerClaim: string): Identity {
  const owner = claims[ownerClaim];
  if (!isOwner(owner)) {
    throw new UnauthenticatedError(
      `The token's claim "${ownerClaim}" must be a string of 1 to 255 characters, not blank, without control characters.`,
    );
  }
  // Both are there, or the claim rules would have refused the token.
  const { exp = 0, iat = 0 } = claims;
  return { owner, expiresAt: Math.min(exp, iat + MAX_TOKEN_AGE) * 1000 };
}
