/** Whatever is answered, no browser takes it for something else. Each way of answering begins its headers with it. */
export const NOSNIFF = ['X-Content-Type-Options', 'nosniff'] as const;
