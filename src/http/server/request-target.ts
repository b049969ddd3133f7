import type { IncomingMessage } from 'node:http';
import { GRAPHQL_PATH } from '../../lib/paths.ts';

/**
 * The path and query of a request; null when it has none, or several hosts. yoga makes a URL of it together with the
 * Host header, and answers with a stack trace where it cannot.
 */
export function targetOf({
  headers,
  rawHeaders,
  httpVersion,
  method,
  url = '',
}: IncomingMessage): string | null {
  const { host = 'localhost' } = headers;
  const hosts = countHosts(rawHeaders);
  if (hosts > 1 || (hosts === 0 && httpVersion === '1.1')) return null;
  if (url === '*' && method === 'OPTIONS') return url;
  const origin = `http://${host}`;
  if (!isHost(host, origin)) return null;
  if (url === GRAPHQL_PATH) return url;
  // The form of requests to a proxy, which servers must accept: https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
  if (ABSOLUTE.test(url) && URL.canParse(url)) {
    const { pathname, search } = new URL(url);
    return `${pathname}${search}`;
  }
  return url.startsWith('/') && URL.canParse(`${origin}${url}`) ? url : null;
}

/** `headers` has only the first of several, and `headersDistinct` is slower than this. */
function countHosts(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') count++;
  }
  return count;
}

/** How many hosts are remembered: a server has few names. */
const MAX_KNOWN = 100;
const known = new Set<string>();

/** Any other text would become a part of the path. */
function isHost(host: string, origin: string): boolean {
  if (known.has(host)) return true;
  if (!HOST.test(host) || !URL.canParse(origin)) return false;
  if (known.size >= MAX_KNOWN) known.clear();
  known.add(host);
  return true;
}

/** A name or an address, and a port: https://www.rfc-editor.org/rfc/rfc9110#section-7.2 */
const HOST = /^(?:[\w.~%!$&'()*+;=-]+|\[[\da-f:.]+\])(?::\d*)?$/i;
const ABSOLUTE = /^https?:\/\//i;
