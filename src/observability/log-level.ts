/** The levels of pino, from the fewest lines to the most, and `silent`. */
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** Lines of this level, and of those that are more severe, are written. */
export type LogLevel = (typeof LOG_LEVELS)[number];
