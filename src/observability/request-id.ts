import { randomUUID } from 'node:crypto';

/** What names a request in the answer, in the log, and in a report of a client. */
export const REQUEST_ID_HEADER = 'X-Request-Id';

/**
 * The id of a request: the client's own when it is sane, else a new one.
 * @param given the value of its `X-Request-Id`
 */
export function requestIdFrom(given: string | null | undefined): string {
  return given != null && SANE.test(given) && !given.includes(JWT_START) ? given : randomUUID();
}

/** Nothing in it can end a header, a line or a string, whatever reads the log. */
const SANE = /^[\w.-]{1,128}$/;

/** `{"` in base64url. A short token has 125 characters, and the id goes to the log. */
const JWT_START = 'eyJ';
