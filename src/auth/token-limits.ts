/** The tolerated difference between the clocks of this server and of the one that signs tokens, in seconds. */
export const CLOCK_TOLERANCE = 10;

/** The maximum age of a token, counted from its `iat`, in seconds. A later `exp` does not extend it. */
export const MAX_TOKEN_AGE = 24 * 60 * 60;
