/** After how long a test, a hook or a loop is taken to hang, in milliseconds: far longer than any of them needs. */
export const HANG_LIMIT = 120_000;

/** The same for the deep tests, which have more to do. */
export const DEEP_HANG_LIMIT = 600_000;
