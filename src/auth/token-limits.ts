/** How far the clocks of this server and of the one that signs may be apart, in seconds. */
export const CLOCK_TOLERANCE = 10;

/** For how long after its `iat` a token is accepted at most, whatever its `exp`, in seconds. */
export const MAX_TOKEN_AGE = 24 * 60 * 60;
