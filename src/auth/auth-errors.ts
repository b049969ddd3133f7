/**
 * The `Authorization` header has no token that this server accepts: HTTP 401. The message is for the client, and contains
 * nothing of the token. The error of jose is the `cause`.
 */
export class UnauthenticatedError extends Error {
  override readonly name = 'UnauthenticatedError';
}

/**
 * A token cannot be verified, since the identity provider's key set cannot be fetched: HTTP 503. It is no 401, since the
 * token may be valid.
 */
export class KeySetUnavailableError extends Error {
  override readonly name = 'KeySetUnavailableError';

  constructor(options?: ErrorOptions) {
    super(
      'The identity provider is out of reach, so the token cannot be checked. Try again shortly.',
      options,
    );
  }
}
