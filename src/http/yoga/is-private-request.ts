import { isIP } from 'node:net';

/**
 * Whether a page with tokens may answer a request: a browser's navigation to this server by an address that no other
 * site can have.
 *
 * - A host name could be another site's that resolves to this machine (DNS rebinding), and its scripts could read the
 *   page. IP addresses and localhost cannot: https://www.rfc-editor.org/rfc/rfc6761#section-6.3
 * - Scripts, also those of other servers on localhost, which CORS accepts, send `Origin` or other `Sec-Fetch-*` headers
 *   than navigations: https://www.w3.org/TR/fetch-metadata/
 */
export function isPrivateRequest(headers: Headers): boolean {
  if (headers.has('origin')) return false;
  if ((headers.get('sec-fetch-dest') ?? 'document') !== 'document') return false;
  const host = headers.get('host') ?? '';
  if (!URL.canParse(`http://${host}`)) return false;
  const { hostname } = new URL(`http://${host}`);
  return isIP(hostname.replaceAll(/^\[|\]$/g, '')) !== 0 || /^(?:.+\.)?localhost$/.test(hostname);
}
