import { jwtVerify } from 'jose';
import { secretKey } from '../../../dist/auth/secret.js';
import { CLOCK_TOLERANCE, MAX_TOKEN_AGE } from '../../../dist/auth/token-limits.js';
import { asOwner, type Owner } from '../../../dist/store/owner.js';

/** Tells who sent a request by its `Authorization` header. Rejects where that holds no valid token. */
export type Identify = (authorization: string | null | undefined) => Promise<Owner>;

/** Verifies the token of each request anew by jose, with the same rules as the server: as most do it. */
export async function createVerifier(): Promise<Identify> {
  const key = await secretKey(process.env.AUTH_SECRET ?? '', 'verify');
  const rules = {
    algorithms: ['HS256'],
    issuer: process.env.AUTH_ISSUER ?? '',
    audience: process.env.AUTH_AUDIENCE ?? '',
    requiredClaims: ['exp', 'sub'],
    maxTokenAge: MAX_TOKEN_AGE,
    clockTolerance: CLOCK_TOLERANCE,
  };
  return async (authorization) => {
    if (!authorization?.startsWith('Bearer ')) throw new Error('A token is needed.');
    const { payload } = await jwtVerify(authorization.slice('Bearer '.length), key, rules);
    return asOwner(payload.sub ?? '');
  };
}
