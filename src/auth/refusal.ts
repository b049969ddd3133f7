import { errors } from 'jose';

/** Why a token is refused, as a sentence for its sender. Names claims, and never holds what the token says. */
export function refusal(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return error.claim === 'iat' ? TOO_OLD : EXPIRED;
  if (!(error instanceof errors.JWTClaimValidationFailed)) return BY_CODE[error.code] ?? MALFORMED;
  if (error.reason === 'missing') return `The token lacks the claim "${error.claim}".`;
  if (error.reason === 'invalid') return `The token's claim "${error.claim}" must be a number.`;
  return BY_CLAIM[error.claim] ?? MALFORMED;
}

const EXPIRED = 'The token has expired. Get a new one.';
const TOO_OLD = 'The token was issued more than 24 hours ago. Get a new one.';
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
  iat: 'The token was issued in the future (claim "iat"). Set the clock of the machine that signs.',
};
