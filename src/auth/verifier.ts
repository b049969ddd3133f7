import { errors, jwtVerify } from 'jose';
import type { JWTPayload, JWTVerifyOptions } from 'jose';

import { KeySetUnavailableError } from './auth-errors.ts';
import { remoteKeySet } from './key-set.ts';
import type { KeySetOptions } from './key-set.ts';
import { secretKey } from './secret.ts';

/** The rules for a token's claims. The verifier itself decides on the algorithms. */
export type ClaimRules = Omit<JWTVerifyOptions, 'algorithms'>;

/** Verifies tokens. */
export interface Verifier {
  /**
   * Verifies a token's signature and claims. Resolves to the claims.
   *
   * @throws errors.JOSEError when the token is not valid
   * @throws KeySetUnavailableError when it cannot be verified now
   */
  verify(token: string, rules: ClaimRules): Promise<JWTPayload>;
  /** Whether `refreshIfStale` must be called before a cached token is accepted again. */
  isStale(): boolean;
  /** Fetches the keys again when they are stale. */
  refreshIfStale(): Promise<void>;
}

/** Creates a verifier of tokens that are signed with a shared secret, by HS256 only. */
export function secretVerifier(secret: string): Verifier {
  const key = secretKey(secret, 'verify');
  return {
    async verify(token, rules) {
      const { payload } = await jwtVerify(token, await key, { ...rules, algorithms: ['HS256'] });
      return payload;
    },
    isStale: () => false,
    refreshIfStale: async () => {},
  };
}

/** Creates a verifier of tokens that are signed with a key of the identity provider, by an asymmetric algorithm. */
export function keySetVerifier(keySetOptions: KeySetOptions): Verifier {
  const { find, isStale, refreshIfStale } = remoteKeySet(keySetOptions);

  async function verify(token: string, rules: ClaimRules): Promise<JWTPayload> {
    const options = { ...rules, algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'] };
    try {
      const { payload } = await jwtVerify(token, find, options);
      return payload;
    } catch (error) {
      if (error instanceof errors.JWKSMultipleMatchingKeys) return verifyWithAny(error, token, options);
      if (error instanceof KeySetUnavailableError || isAboutTheToken(error)) throw error;
      throw new KeySetUnavailableError({ cause: error });
    }
  }

  return { verify, isStale, refreshIfStale };
}

async function verifyWithAny(
  keys: errors.JWKSMultipleMatchingKeys,
  token: string,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  for await (const key of keys) {
    try {
      const { payload } = await jwtVerify(token, key, options);
      return payload;
    } catch (error) {
      const anotherMayFit = error instanceof errors.JWSSignatureVerificationFailed || !isAboutTheToken(error);
      if (!anotherMayFit) throw error;
    }
  }
  throw new errors.JWSSignatureVerificationFailed();
}

/** False when the fault is in the published key: one that is private, too short or cannot be read. */
function isAboutTheToken(error: unknown): boolean {
  return error instanceof errors.JOSEError && !(error instanceof errors.JWKSInvalid);
}
