import { errors } from 'jose';
import type { JWTPayload } from 'jose';

import type { MaybePromise } from '../lib/maybe-promise.ts';
import { isOwner } from '../store/owner.ts';
import { UnauthenticatedError } from './auth-errors.ts';
import type { Identity } from './identity.ts';
import { workerRights } from './worker-rights.ts';
import { createTokenCache } from './token-cache.ts';
import { CLOCK_TOLERANCE, MAX_TOKEN_AGE } from './token-limits.ts';
import { FROM_THE_FUTURE, TOO_LONG, TOO_OLD, tokenRefusal } from './token-refusal.ts';
import { keySetVerifier, secretVerifier } from './verifier.ts';
import type { ClaimRules } from './verifier.ts';

/** Which tokens an authenticator accepts. */
export interface AuthenticatorOptions {
  /** The HS256 secret, 32 bytes at least, or the URL of the identity provider's key set. */
  readonly key: string | URL;
  /** The `iss` that a token must have; null when it is not checked. */
  readonly issuer: string | null;
  /** The `aud` that a token must have or list; null when it is not checked. */
  readonly audience: string | null;
  /** The name of the claim that holds the owner. A dot in it does not lead to a nested claim. */
  readonly ownerClaim: string;
  /** The scope of worker tokens, which claim the runs of every owner. Default: there are no worker tokens. */
  readonly workerScope?: string | null | undefined;
  /** The time in ms since the epoch. */
  readonly now?: () => number;
  /** Returns the signal that aborts a fetch of the identity provider's keys. Default: after 5 s. */
  readonly keySetDeadline?: () => AbortSignal;
}

/**
 * Authenticates a request by the value of its `Authorization` header, null when it has none. Returns null for null, the
 * identity for a cached token, and a promise of the identity otherwise.
 *
 * @throws UnauthenticatedError when the header has no valid token (thrown, or the promise rejects)
 * @throws KeySetUnavailableError when the token cannot be verified, since the key set cannot be fetched
 */
export type Authenticate = (authorization: string | null) => MaybePromise<Identity | null>;

/**
 * Creates an authenticator of bearer tokens (https://www.rfc-editor.org/rfc/rfc6750). A token is a signed JWT with
 * `exp` and the owner's claim, valid for 24 hours at most. Whether a secret or a key set verifies it depends on `key`
 * alone, never on the token.
 *
 * @throws RangeError when the secret is shorter than 32 bytes
 */
export function createAuthenticator(options: AuthenticatorOptions): Authenticate {
  const { key, now = Date.now, keySetDeadline: deadline } = options;
  const cache = createTokenCache({ now });
  // A token must not stay valid by the cache after the provider has withdrawn its key.
  let generation = 0;
  const onChange = () => {
    generation += 1;
    cache.clear();
  };
  const verifier =
    key instanceof URL ? keySetVerifier({ url: key, now, onChange, deadline }) : secretVerifier(key);
  const rules = claimRules(options);

  async function identify(token: string): Promise<Identity> {
    const started = generation;
    try {
      const currentDate = new Date(now());
      const claims = await verifier.verify(token, { ...rules, currentDate });
      assertAge(claims, currentDate);
      const identity = identityOf(claims, options);
      if (generation === started) cache.add(token, identity);
      return identity;
    } catch (error) {
      throw error instanceof errors.JOSEError
        ? new UnauthenticatedError(tokenRefusal(error), { cause: error })
        : error;
    }
  }

  /** The identity of a cached token, after the keys were refreshed: other keys empty the cache. */
  async function confirm(token: string): Promise<Identity> {
    await verifier.refreshIfStale();
    return cache.get(token) ?? identify(token);
  }

  return (authorization) => {
    if (authorization === null) return null;
    const token = bearerToken(authorization);
    const known = cache.get(token);
    if (known === undefined) return identify(token);
    return verifier.isStale() ? confirm(token) : known;
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
    requiredClaims: ['exp', ownerClaim],
    clockTolerance: CLOCK_TOLERANCE,
    ...(issuer !== null && { issuer }),
    ...(audience !== null && { audience }),
  };
}

function identityOf(
  claims: JWTPayload,
  { ownerClaim, workerScope = null }: Pick<AuthenticatorOptions, 'ownerClaim' | 'workerScope'>,
): Identity {
  const owner = claims[ownerClaim];
  if (!isOwner(owner)) {
    throw new UnauthenticatedError(
      `The token's claim "${ownerClaim}" must be a string of 1 to 255 characters, not blank, without control characters.`,
    );
  }
  // The claim rules refuse a token without `exp`.
  const { exp = 0, iat = Infinity } = claims;
  return {
    owner,
    worker: workerRights(claims, workerScope),
    expiresAt: Math.min(exp, iat + MAX_TOKEN_AGE) * 1000,
  };
}

/** Refuses a token that is valid for too long. Without `iat`, only its `exp` is checked. */
function assertAge({ exp = 0, iat }: JWTPayload, currentDate: Date): void {
  const now = Math.floor(currentDate.getTime() / 1000);
  const longest = MAX_TOKEN_AGE + CLOCK_TOLERANCE;
  if (iat === undefined && exp - now > longest) throw new UnauthenticatedError(TOO_LONG);
  if (iat === undefined) return;
  if (iat - now > CLOCK_TOLERANCE) throw new UnauthenticatedError(FROM_THE_FUTURE);
  if (now - iat > longest) throw new UnauthenticatedError(TOO_OLD);
}
