/** Keeps browsers from guessing content types. Every response has it. */
export const NOSNIFF = ['X-Content-Type-Options', 'nosniff'] as const;
