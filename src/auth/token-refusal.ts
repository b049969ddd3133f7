import { errors } from 'jose';

/** Why a token is refused, as a sentence for the client. It may name a claim, and never contains a claim's value. */
export function tokenRefusal(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return EXPIRED;
  if (!(error instanceof errors.JWTClaimValidationFailed)) return BY_CODE[error.code] ?? MALFORMED;
  if (error.reason === 'missing') return `The token lacks the claim "${error.claim}".`;
  if (error.reason === 'invalid') return `The token's claim "${error.claim}" must be a number.`;
  return BY_CLAIM[error.claim] ?? MALFORMED;
}

const EXPIRED = 'The token has expired. Get a new one.';
/** Why a token is refused whose `iat` is too long ago. */
export const TOO_OLD = 'The token was issued more than 24 hours ago. Get a new one.';
/** Why a token without `iat` is refused whose `exp` is too far away. */
export const TOO_LONG =
  'The token has no claim "iat", and ends more than 24 hours from now. Sign it with "iat", or with an earlier "exp".';
/** Why a token is refused whose `iat` has not come yet. */
export const FROM_THE_FUTURE =
  'The token was issued in the future (claim "iat"). Set the clock of the machine that signs.';
const MALFORMED = 'The token is not a signed JSON Web Token that this server can read.';

const BY_CODE: Readonly<Record<string, string>> = {
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED:
    "The token's signature is wrong: it was not signed with the key expected.",
  ERR_JWKS_NO_MATCHING_KEY: "The token is signed with a key that is not among the identity provider's.",
  ERR_JOSE_ALG_NOT_ALLOWED: 'The token is signed with an algorithm that this server does not accept.',
};

const BY_CLAIM: Readonly<Record<string, string>> = {
  iss: 'The token is from another issuer than this server accepts (claim "iss").',
  aud: 'The token is for another audience than this server (claim "aud").',
  nbf: 'The token is not valid yet (claim "nbf").',
};
