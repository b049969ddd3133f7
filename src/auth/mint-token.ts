import { SignJWT } from 'jose';

import type { Owner } from '../store/owner.ts';
import { secretKey } from './secret.ts';
import { MAX_TOKEN_AGE } from './token-limits.ts';

/** What a token is made of. */
export interface MintTokenOptions {
  /** The HS256 secret, 32 bytes at least. */
  readonly secret: string;
  readonly owner: Owner;
  /** The claim `iss`; null for none. */
  readonly issuer: string | null;
  /** The claim `aud`; null for none. */
  readonly audience: string | null;
  /** The name of the claim that holds the owner, in addition to `sub`. */
  readonly ownerClaim: string;
  /** The claims of a worker of all owners. Default: none. */
  readonly worker?: {
    /** The word in `scope`. */
    readonly scope: string;
    /** Null for all graphs. */
    readonly graphs: readonly string[] | null;
  };
  /** The time in ms since the epoch. */
  readonly now?: () => number;
}

/**
 * Signs a token that an authenticator with the same settings accepts for 24 hours.
 *
 * @throws RangeError when the secret is shorter than 32 bytes
 */
export async function mintToken(options: MintTokenOptions): Promise<string> {
  const { secret, owner, issuer, audience, ownerClaim, worker, now = Date.now } = options;
  const iat = Math.floor(now() / 1000);
  const claims = {
    [ownerClaim]: owner,
    sub: owner,
    iat,
    exp: iat + MAX_TOKEN_AGE,
    ...(issuer !== null && { iss: issuer }),
    ...(audience !== null && { aud: audience }),
    ...(worker && { scope: worker.scope }),
    ...(worker?.graphs && { graphs: worker.graphs }),
  };
  const token = new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'JWT' });
  return token.sign(await secretKey(secret, 'sign'));
}
