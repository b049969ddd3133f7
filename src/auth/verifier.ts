import { errors, jwtVerify } from 'jose';
import type { JWTPayload, JWTVerifyOptions } from 'jose';

import { KeySetUnavailableError } from './auth-errors.ts';
import { remoteKeySet } from './key-set.ts';
import type { KeySetOptions } from './key-set.ts';
import { secretKey } from './secret.ts';

/** What a token's claims must be like; which algorithms may sign is the verifier's own. */
export type ClaimRules = Omit<JWTVerifyOptions, 'algorithms'>;

/** Checks tokens. */
export interface Verifier {
  /**
   * Checks a token's signature and claims, and gives the claims.
   *
   * @throws errors.JOSEError when the token is not valid
   * @throws KeySetUnavailableError when it cannot be checked now
   */
  verify(token: string, rules: ClaimRules): Promise<JWTPayload>;
  /** Whether the keys should be looked at anew before a token that they verified once is accepted again. */
  isDue(): boolean;
  /** Looks at the keys anew. */
  refreshWhenDue(): Promise<void>;
}

/** Accepts tokens signed with a shared secret, by HS256 and nothing else. */
export function secretVerifier(secret: string): Verifier {
  const key = secretKey(secret, 'verify');
  return {
    async verify(token, rules) {
      const { payload } = await jwtVerify(token, await key, { ...rules, algorithms: ['HS256'] });
      return payload;
    },
    isDue: () => false,
    refreshWhenDue: async () => {},
  };
}

/** Accepts tokens signed with one of the identity provider's keys, by an asymmetric algorithm. */
export function keySetVerifier(keySetOptions: KeySetOptions): Verifier {
  const { find, isDue, refreshWhenDue } = remoteKeySet(keySetOptions);

  async function verify(token: string, rules: ClaimRules): Promise<JWTPayload> {
    const options = { ...rules, algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'] };
    try {
      const { payload } = await jwtVerify(token, find, options);
      return payload;
    } catch (error) {
      if (error instanceof errors.JWKSMultipleMatchingKeys) return verifyWithAny(error, token, options);
      if (error instanceof KeySetUnavailableError || isAboutTheToken(error)) throw error;
      throw new KeySetUnavailableError({ cause: error });
    }
  }

  return { verify, isDue, refreshWhenDue };
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
