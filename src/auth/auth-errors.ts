/**
 * The caller sent an `Authorization` header, and it holds no token that this server accepts: HTTP 401.
 * The message is for the caller: a fixed sentence without anything from the token. The reason is the `cause`.
 */
export class UnauthenticatedError extends Error {
  override readonly name = 'UnauthenticatedError';
}

/**
 * No token can be checked, or not this one, because the identity provider's keys are out of reach: HTTP 503.
 * The caller's token may well be good, so this is never a 401.
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
