/**
 * The content security policy of the GraphiQL page: its own scripts and files, requests to this server alone, and no
 * frames.
 * @param nonce marks the page's scripts
 */
export function pageHeaders(nonce: string): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    // GraphiQL's editor checks documents in workers, which it creates from blobs.
    'worker-src blob:',
    // Its editor sets inline styles.
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    'font-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    'Content-Security-Policy': policy.join('; '),
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
  };
}
