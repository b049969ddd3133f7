import { randomUUID } from 'node:crypto';

/** The header that identifies a request in its response and in the log. */
export const REQUEST_ID_HEADER = 'X-Request-Id';

/**
 * The id of a request: the client's own where it is well-formed, else a new one.
 * @param given the value of its `X-Request-Id`
 */
export function requestIdFrom(given: string | null | undefined): string {
  return given != null && SANE.test(given) && !given.includes(JWT_START) ? given : randomUUID();
}

/** Without characters that could end a header, a line or a string. */
const SANE = /^[\w.-]{1,128}$/;

/** `{"` in base64url. A short token has 125 characters, and the id goes to the log. */
const JWT_START = 'eyJ';
