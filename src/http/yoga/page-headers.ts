/**
 * What a browser may do with the page: run its own scripts, show what is in it, and ask this server, but no other
 * host; and no other page may show it in a frame.
 * @param nonce what marks the page's own scripts
 */
export function pageHeaders(nonce: string): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    // GraphiQL's editor checks documents in workers, which it makes of its own text.
    'worker-src blob:',
    // Its editor sets its styles as it goes.
    "style-src 'unsafe-inline'",
    'img-src data:',
    'font-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return { 'Content-Security-Policy': policy.join('; '), 'Referrer-Policy': 'no-referrer' };
}
